#!/usr/bin/perl
# Single bits of a signed run are flipped, anywhere: verify ends with 7 and names that file, and no other. FLIPS says how
# many (default 100), SEED where from, CASES which cases a real run has (default: a made-up run, which takes no time).
use strict;
use warnings;
use File::Find;
use FindBin;
use lib "$FindBin::Bin/../../tests";
use FoxBench;
use Test::More;

my $flips = $ENV{FLIPS} // 100;
my @cases = split ' ', $ENV{CASES} // "";
delete $ENV{FOXBENCH_PDF} if @cases;
srand($ENV{SEED} // 1);

sub verify {
    my $text = `$foxbench verify $out/results/latest @_ 2>&1`;
    return ($? >> 8, $text);
}

# Changes one bit in place; a second time puts it back.
sub flip {
    my ($path, $byte, $bit) = @_;
    open my $f, "+<:raw", $path or die "$path: $!";
    seek $f, $byte, 0;
    read $f, my $was, 1;
    seek $f, $byte, 0;
    print $f chr(ord($was) ^ 1 << $bit);
    close $f or die "$path: $!";
}

{
    local %ENV = %ENV;
    fake_worker() if !@cases;
    fox("run", @cases ? @cases : qw(PASS FAIL NA), "-o", "$out/results");
}
system "openssl genpkey -algorithm ed25519 -out $out/key && chmod 600 $out/key && "
    . "openssl pkey -in $out/key -pubout -out $out/pub";
system "$foxbench sign $out/results/latest --key $out/key >$out/stdout 2>&1";
is((verify("--key", "$out/pub"))[0], 0, "the run is signed and verifies") or BAIL_OUT("nothing to flip");

my (@files, @sizes);
my $dir = "$out/results/" . readlink "$out/results/latest";
find({ no_chdir => 1, wanted => sub { push @files, substr $_, 1 + length $dir if -f } }, $dir);
@files = sort grep { -s "$dir/$_" } @files;
my $all = 0;
$all += $sizes[@sizes] = -s "$dir/$_" for @files;
is(scalar(grep { /^(root.json|root.sig|events.jsonl|wall.jsonl|run.tap)$/ } @files), 5, "signature and ledger are there");
is(!!grep({ /sigmf-data$/ } @files), !!1, "and samples") if @cases;

my (%hits, @missed);
for my $n (1 .. $flips) {
    # Half of them anywhere in the run, half in any file: else the large files get all of them.
    my ($at, $byte) = (int rand @files, int rand $all);
    if ($n % 2) {
        for ($at = 0; $byte >= $sizes[$at]; $at++) { $byte -= $sizes[$at] }
    } else {
        $byte = int rand $sizes[$at];
    }
    my $bit = int rand 8;
    flip("$dir/$files[$at]", $byte, $bit);
    my ($code, $text) = verify($n % 3 ? ("--key", "$out/pub") : ());
    flip("$dir/$files[$at]", $byte, $bit);
    $hits{ $files[$at] }++;
    my @named = $text =~ /^altered: ([^:]+?)(?: line \d+)?: /mg;
    my ($other) = grep { $_ ne $files[$at] } @named;
    push @missed, "bit $bit of byte $byte of $files[$at]: exit $code, $text" if $code != 7 || !@named || $other;
}
is("@missed", "", "verify names the file of each of $flips flipped bits");
is((verify("--key", "$out/pub"))[0], 0, "put back, it verifies");
diag sprintf "%d files, %d bytes; %d files were hit", scalar @files, $all, scalar keys %hits;

done_testing;

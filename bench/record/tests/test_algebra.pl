#!/usr/bin/perl
# The algebra of verdicts over random attempts, through the real supervisor: what a worker books (fake_worker.c) against
# what design and catalogue make of it, written down here once more. Everybody who reads the run must find the same.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../../tests";
use FoxBench;
use JSON::PP;
use Test::More;

fake_worker();

use constant { CASES => 30, RUNS => 2, RETRY => 2 };
my @ORDER   = qw(info pass warn inconclusive fail error);
my %RANK    = map { $ORDER[$_] => $_ } 0 .. $#ORDER;
my %LETTERS = (
    N => [qw(info none)], P => [qw(pass none)], W => [qw(warn device)], I => [qw(inconclusive bench)],
    J => [qw(inconclusive suite)], F => [qw(fail device)], G => [qw(fail bench)], E => [qw(error bench)],
    S => [qw(error suite)], C => [qw(error config)], K => [qw(error bench)],
);

# Verdict and blame of one attempt: it may only get worse, only a device fails, and the first to reach the worst is
# blamed.
sub attempt {
    my ($script) = @_;
    my @worst;
    for my $letter (split //, $script) {
        my ($verdict, $blame) = @{ $LETTERS{$letter} };
        $verdict = "error" if $verdict eq "fail" && $blame ne "device";
        $blame = "none" if $RANK{$verdict} < $RANK{warn};
        @worst = ($verdict, $blame) if !@worst || $RANK{$verdict} > $RANK{ $worst[0] };
        last if $letter eq "K";
    }
    return @worst ? @worst : qw(inconclusive suite);
}

# Every attempt that a script gets: an error of the bench is repeated, RETRY times at most, and nothing else is, nor an
# attempt in which the device had failed before.
sub attempts {
    my ($script, $retry) = @_;
    my @scripts = $script eq "" ? ("") : split /Z/, $script, -1;
    my @found;
    for my $n (0 .. $retry) {
        push @found, [attempt($scripts[$n < @scripts ? $n : -1])];
        last if "@{ $found[-1] }" ne "error bench";
        last if $scripts[$n < @scripts ? $n : -1] =~ /^[^K]*F/; # a repeat that passed would hide it
    }
    return @found;
}

sub random_script {
    my @letters = qw(P P P P P P N N N N W W I J F F G E S C K K);
    my $attempt = sub {
        return rand() < 0.05 ? "" : join "", map { $letters[rand @letters] } 1 .. 1 + int rand 3;
    };
    return join "Z", map { $attempt->() } 1 .. 1 + int rand 3;
}

my %seen;
my ($repeated, $rescued) = (0, 0);

sub check_run {
    my @scripts = map { random_script() } 1 .. CASES;
    my ($code, $tap, $err) = fox("run", "-o", "$out/results", "--retry", RETRY, map { "ZZ$_" } @scripts);
    my $run = "$out/results/" . (readlink "$out/results/latest" // die $err);
    my (%due, %wrong, %n);
    for my $i (0 .. $#scripts) {
        my $id      = "FAKE-ZZ$scripts[$i]-" . ($i + 1);
        my @found   = attempts($scripts[$i], RETRY);
        my $verdict = $found[-1][0];
        $due{$id} = $found[-1];
        $seen{$verdict}++;
        $n{$verdict}++;
        $repeated++ if @found > 1;
        $rescued++  if @found > 1 && $verdict ne "error";

        # all attempts stay visible, each with its own verdict
        for my $n (1 .. @found) {
            my $record = decode_json(slurp("$run/cases/$id/_/attempt-$n/verdict.json") || "{}");
            my $got = ($record->{verdict} // "nothing") . " " . ($record->{blame} // "");
            $wrong{record} .= "$id attempt $n: $got, expected @{ $found[$n - 1] }\n" if $got ne "@{ $found[$n - 1] }";
        }
        $wrong{attempts} .= "$id: more than " . @found . " attempts\n"
            if -e "$run/cases/$id/_/attempt-" . (@found + 1);

        my ($line) = $tap =~ /^((?:not )?ok \d+ - \Q$id\E .*)$/m;
        my $should_be_ok = $RANK{$verdict} <= $RANK{warn};
        $wrong{tap} .= "$id is $verdict: " . ($line // "no line") . "\n"
            if !defined $line || ($line =~ /^ok/ xor $should_be_ok) || $line =~ /# *(TO\x44O|SKIP)/i;
    }
    is($wrong{record},   undef, "every attempt has the verdict of its worst event");
    is($wrong{attempts}, undef, "only what the bench broke off is repeated");
    is($wrong{tap},      undef, "TAP says ok to nothing worse than warn");
    is($code, $n{fail} ? 1 : $n{error} ? 3 : $n{inconclusive} ? 6 : 0, "the exit code follows the worst");

    ($code, my $text) = fox("verify", $run);
    is($code, 0, "the run verifies") or diag $text;
    ($code, $text) = fox("report", $run, "--format", "json");
    my $told = decode_json($text);
    my @told = sort map { "$_->{name} $_->{verdict} $_->{blame}" } @{ $told->{cases} };
    is(join("\n", @told),
        join("\n", sort map { "$_ @{ $due{$_} }" } keys %due), "report --format json says the same");
    ($code, $text) = fox("rejudge", $run);
    unlike($text, qr/->/, "rejudge finds the same verdicts");
    fox("report", $run, "--format", "oscal,sarif,intoto");
    return $run;
}

srand 7;
my @runs = map { check_run() } 1 .. RUNS;
my $text = `$ENV{FOX_SOURCE_DIR}/reports/tests/check_exports.py @runs 2>&1`;
is(scalar(() = $text =~ /^30 cases and 0 recordings are told as they are$/mg), RUNS, "programs of others read the same")
    or diag $text;
diag "$repeated repeated, $rescued of them decided later; ", join ", ", map { "$seen{$_} $_" } sort keys %seen;
fox("run", "-o", "$out/hidden", "--retry", 3, "ZZPFKZP", "ZZFEZP", "ZZPKZP");
is(slurp("$out/hidden/latest/run.tap") =~ s/^(?!ok|not ok).*\n//mgr =~ s/ - .*//mgr, "not ok 1\nnot ok 2\nok 3\n",
    "no repeat hides that the device had failed");
ok($repeated >= 5 && $rescued >= 2 && keys %seen == @ORDER,
    "the draw has every verdict, and attempts that were repeated");

# A fail stays one, and so does whatever else was decided, whatever --retry allows.
my @decided = grep { /^[^ZK]/ && (attempts($_, 0))[-1][0] ne "error" } map { random_script() } 1 .. 60;
fox("run", "-o", "$out/decided", "--retry", 5, map { "ZZ$_" } @decided[0 .. 9]);
is(scalar(() = glob "$out/decided/latest/cases/*/_/attempt-1"), 10, "ten decided cases");
is(scalar(() = glob "$out/decided/latest/cases/*/_/attempt-2"), 0,  "none of them has a second attempt");
done_testing();

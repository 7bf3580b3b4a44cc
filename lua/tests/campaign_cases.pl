#!/usr/bin/perl
# The cases on authentication, counters and encryption, case by case with their full numbers: what the test catalogue
# allows them on a bench, their radio time, their wall time, and the ratio of the two. Prints the table of
# docs/PERFORMANCE.md. Wants a machine with two cores that do nothing else.
#
# usage: campaign_cases.pl FOXBENCH [SELECT...]        (all of them, on the plain and on the encrypted device)
#        campaign_cases.pl --of RUN... [-- RUN...]     (runs made before: of the plain -- of the encrypted device)
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use JSON::PP qw(decode_json);
use Time::Piece;

# Minutes of bench time in the test catalogue.
my @catalogue = (
    ["AUTH-UL-001", 8],  ["AUTH-UL-002", 2],  ["AUTH-UL-003", 10], ["AUTH-UL-004", 15], ["AUTH-UL-005", 20],
    ["AUTH-UL-006", 25], ["AUTH-UL-007", 12], ["AUTH-DL-001", 9],  ["AUTH-DL-002", 14], ["AUTH-DL-004", 8],
    ["AUTH-DL-006", 11], ["AUTH-DL-007", 7],  ["AUTH-DL-008", 3],  ["CNT-UL-001", 60],  ["CNT-UL-002", 2],
    ["CNT-UL-003", 15],  ["CNT-UL-004", 30],  ["CNT-UL-005", 50],  ["CNT-UL-006", 60],  ["CNT-UL-009", 30],
    ["CNT-UL-010", 1],   ["CNT-DL-001", 40],  ["ENC-001", 40],     ["ENC-002", 45],     ["ENC-003", 30],
    ["ENC-007", 15],
);
# Cases that a higher level than basic demands.
my %level = ("CNT-UL-006" => "substantial");
my $goal  = 40;
my $least = 1; # s of radio time, below which a case only judges what others received

# The lines of a chain, decoded.
sub events_in {
    my ($path) = @_;
    open my $f, "<", $path or die "$path: $!\n";
    return map { decode_json($_) } <$f>;
}

sub wall_s {
    my ($text) = @_;
    my ($whole, $part) = $text =~ /^(.{19})(\.\d+)?Z$/ or die "not a time: $text\n";
    return Time::Piece->strptime($whole, "%Y-%m-%dT%H:%M:%S")->epoch + ($part // 0);
}

# Adds what each case of a run took: $took->{case} = { radio, wall, verdict }. Attempts and axes of a case add up.
sub read_run {
    my ($dir, $took) = @_;
    my %wall = map { ($_->{seq} => wall_s($_->{wall})) } grep { $_->{wall} } events_in("$dir/wall.jsonl");
    my ($rate, %began);
    for my $e (events_in("$dir/events.jsonl")) {
        $rate = $e->{rate_hz} if $e->{type} eq "clock";
        $began{$e->{case}} = $e if $e->{type} eq "case.begin";
        next if $e->{type} ne "case.end";
        my $b    = $began{$e->{case}};
        my $case = $took->{$e->{case}} //= { radio => 0, wall => 0, verdict => "pass" };
        $case->{verdict} = $e->{verdict} if $e->{verdict} ne "pass";
        next if !$b || !$rate;
        $case->{radio} += ($e->{t} - $b->{t}) / $rate;
        $case->{wall}  += $wall{$e->{seq}} - $wall{$b->{seq}};
    }
    return;
}

# Runs a device; the folders of its runs.
sub run_device {
    my ($foxbench, $device, $scratch, @ids) = @_;
    my @dirs;
    for my $profile ("basic", "substantial") {
        my @here = grep { ($level{$_} // "basic") eq $profile } @ids or next;
        print STDERR "$device, $profile: @here\n";
        local $ENV{FOXBENCH_PDF} = "off";
        system "$foxbench run --device '$device' --profile $profile --seed 1 -o '$scratch' @here >/dev/null";
        push @dirs, abs_path("$scratch/latest") // die "no run of $device\n";
        die "the run in $dirs[-1] is that of before\n" if @dirs > 1 && $dirs[-1] eq $dirs[-2];
    }
    return @dirs;
}

sub columns {
    my ($case) = @_;
    return "– | –" if !$case || $case->{verdict} eq "na";
    my $word = $case->{verdict} eq "pass" ? "" : " ($case->{verdict})";
    return sprintf("%.0f / %.1f%s | –", $case->{radio}, $case->{wall}, $word) if $case->{radio} < $least;
    my $ratio = $case->{radio} / $case->{wall};
    return sprintf "%.0f / %.1f%s | %s%.0f%s", $case->{radio}, $case->{wall}, $word, $ratio < $goal ? "**" : "",
        $ratio, $ratio < $goal ? "**" : "";
}

sub total {
    my ($took) = @_;
    my ($radio, $wall) = (0, 0);
    $radio += $_->{radio}, $wall += $_->{wall} for values %$took;
    return $wall > 0 ? sprintf "%.0f / %.0f | %.0f", $radio, $wall, $radio / $wall : "– | –";
}

my %took = (plain => {}, encrypted => {});
if (@ARGV > 1 && $ARGV[0] eq "--of") {
    my $which = "plain";
    for my $dir (@ARGV[1 .. $#ARGV]) {
        if ($dir eq "--") { $which = "encrypted" }
        else              { read_run($dir, $took{$which}) }
    }
} elsif (@ARGV) {
    my ($foxbench, @select) = @ARGV;
    my @ids     = @select ? @select : map { $_->[0] } @catalogue;
    my $devices = abs_path(dirname($0) . "/../../fixtures/devices");
    my %file    = (plain => "foxdut", encrypted => "encrypted");
    for my $which ("plain", "encrypted") {
        my $scratch = tempdir("fox-cases-XXXXXX", TMPDIR => 1, CLEANUP => 1);
        read_run($_, $took{$which}) for run_device($foxbench, "$devices/$file{$which}.lua", $scratch, @ids);
    }
} else {
    die "usage: $0 FOXBENCH [SELECT...] | $0 --of RUN... [-- RUN...]\n";
}

my ($missed, $undecided) = (0, 0);
print "| case | catalogue | plain: radio / wall | ratio | encrypted: radio / wall | ratio |\n";
print "| --- | --- | --- | --- | --- | --- |\n";
for my $c (@catalogue) {
    my ($id, $minutes) = @$c;
    my @cases = map { $took{$_}{$id} } "plain", "encrypted";
    next if !grep { $_ } @cases;
    print "| $id | $minutes min | ", join(" | ", map { columns($_) } @cases), " |\n";
    for my $case (grep { $_ && $_->{verdict} ne "na" } @cases) {
        $undecided++ if $case->{verdict} ne "pass";
        $missed++ if $case->{radio} >= $least && $case->{wall} * $goal > $case->{radio};
    }
}
print "| together | | ", total($took{plain}), " | ", total($took{encrypted}), " |\n";
print "\nSlower than 1 / $goal of radio time: $missed. Not passed: $undecided.\n";
exit($undecided ? 1 : 0);

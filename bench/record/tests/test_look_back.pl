#!/usr/bin/perl
# Looking back on runs: rerun, rejudge and compare, over runs of fake_worker.c.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../../tests";
use FoxBench;
use Test::More;

fake_worker();

sub new_run {
    my ($code) = fox("run", "-o", "$out/results", @_);
    return "$out/results/" . readlink "$out/results/latest";
}

# A copy of a run with its ledger changed: what nobody verified can still be looked at.
sub changed {
    my ($run, $from, $to) = @_;
    my $copy = "$out/copy" . ++(our $copies);
    system("cp", "-r", $run, $copy) == 0 or die;
    my $text = slurp("$copy/events.jsonl");
    $text =~ s/$from/$to/ or die "nothing like $from in the ledger";
    open my $f, ">", "$copy/events.jsonl" or die;
    print $f $text;
    close $f;
    return $copy;
}

my $mixed = new_run(qw(PASS FAIL OPEN));
my $good  = new_run(qw(PASS PASS PASS));

# --- compare
my ($code, $text) = fox("compare", $mixed, $mixed);
is($code, 0, "a run and itself: exit");
is($text, "3 cases as before, 0 changed, 0 worse\n", "a run and itself: nothing to tell");
($code, $text) = fox("compare", $mixed, $good);
like($text, qr/^GONE        FAKE-FAIL-2: was fail$/m, "a case that is gone");
like($text, qr/^NEW         FAKE-PASS-2: pass: every demand met/m, "a new case");
like($text, qr/^differs     run select: /m, "another selection");
like($text, qr/^1 case as before, 4 changed, 0 worse$/m, "the sum");
is($code, 6, "a decided case is gone: exit");
($code, $text) = fox("compare", $good, $mixed);
is($code, 1, "a new failure: exit");
my $moved = changed($good, '"value":-12.5', '"value":-11.5');
($code, $text) = fox("compare", $good, $moved);
is($text, "moved       FAKE-PASS-1: level from -12.5 to -11.5 dB (+1)\n3 cases as before, 0 changed, 0 worse\n",
    "a measurement that moved");
is($code, 0, "a measurement that moved: exit");

# --- rejudge
($code, $text) = fox("rejudge", $mixed);
is($code, 0, "rejudge: exit") or diag $text;
is($text, "3 cases rejudged, 0 differ; 0 frames decoded again, 0 differ\n", "rejudge: as booked");
my $forged = changed($mixed, '"verdict":"fail"', '"verdict":"pass"');
($code, $text) = fox("rejudge", $forged);
like($text, qr/^fail->pass  FAKE-FAIL-2: /m, "rejudge: an event that was changed");
is($code, 7, "rejudge: an event that was changed: exit");
is((fox("rejudge", "$out/nowhere"))[0], 4, "rejudge of nothing: exit");
is((fox("compare", $good))[0], 4, "compare with one run: exit");

# --- rejudge by other limits: the measured level is -12.5 dB
sub limits {
    my ($limit) = @_;
    open my $f, ">", "$out/limits.lua" or die;
    print $f "syntax(1)\nreturn { { name = \"x.level\", $limit source = \"a test\", mark = \"P\" } }\n";
    close $f;
    return ("--limits", "$out/limits.lua");
}
($code, $text) = fox("rejudge", $mixed, limits('max = -12, unit = "dB",'));
is($code, 0, "a limit that holds: exit") or diag $text;
like($text, qr/^1 measurements judged by other limits, 0 differ; 0 have none/m, "it was looked at");
($code, $text) = fox("rejudge", $mixed, limits('max = -13, unit = "dB",'));
is($code, 1, "a limit that does not hold: exit");
like($text, qr/^measure .*FAKE-PASS-1: level was pass \(\), is fail \(<= -13\)$/m, "the measurement is named");
like($text, qr/^pass->fail  FAKE-PASS-1: level is -12.5 dB, allowed is <= -13$/m, "and the case that fails by it");
my $guarded = changed($mixed, '"limit_name":', '"guard":1.0,"limit_name":');
($code, $text) = fox("rejudge", $guarded, limits('max = -12, unit = "dB",'));
like($text, qr/^pass->inconclusive  FAKE-PASS-1: .*nearer to the limit than its guard band$/m, "the guard band counts");
is($code, 7, "a guard band: exit");
($code, $text) = fox("rejudge", $mixed, limits('unit = "dB",'));
like($text, qr/^pass->pass|^measure .* is info \(report only\)/m, "a limit without a value only reports");
($code, $text) = fox("rejudge", $mixed, limits('min = 3, max = 2, unit = "dB",'));
is($code, 4, "a limit that nothing can keep: exit");
($code, $text, my $units) = fox("rejudge", $mixed, limits('max = 1, unit = "Hz",'));
is($code, 4, "a limit in another unit: exit");
like($units, qr/limit x\.level is in Hz, the run measured in dB/, "and what to do");
is((fox("rejudge", $mixed, "--limits", "$out/none.lua"))[0], 4, "no limits file: exit");

# --- rerun
($code, $text, my $err) = fox("rerun", $mixed, "-o", "$out/again");
is($code, 1, "rerun: exit") or diag $err;
my $again = "$out/again/" . readlink "$out/again/latest";
is(slurp("$again/events.jsonl"), slurp("$mixed/events.jsonl"), "rerun: the same ledger, byte for byte");
($code, $text, $err) = fox("rerun", $good, "--failed");
is($code, 0, "rerun --failed of a good run: exit");
like($err, qr/no case of this run failed or stayed open/, "and it says so");
($code, $text, $err) = fox("rerun", $mixed, "PASS", "--failed");
is($code, 4, "rerun of cases and of failed ones: exit");

done_testing;

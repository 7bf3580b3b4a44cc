#!/usr/bin/perl
# Supervisor or worker killed (SIGKILL) at random moments in the virtual lab, then resumed: the verdicts of an undisturbed
# run, not a whole line of the ledger lost, and the run verifies. KILLS says how often (default 2), SEED where from.
use strict;
use warnings;
use File::Temp qw(tempdir);
use JSON::PP;
use Test::More;
use Time::HiRes qw(time sleep);

my $foxbench = "$ENV{FOX_BIN_DIR}/foxbench";
my $kills    = $ENV{KILLS} // 2;
my $out      = tempdir("foxbench-test-XXXXXX", TMPDIR => 1, CLEANUP => 1);
my @cases    = split ' ', $ENV{CASES} // "AUTH-UL-001 AUTH-UL-002 AUTH-UL-004";
$ENV{TMPDIR}       = tempdir("foxbench-work-XXXXXX", TMPDIR => 1, CLEANUP => 1);
$ENV{FOXBENCH_PDF} = "off";
srand($ENV{SEED} // 7);

sub slurp {
    my ($path) = @_;
    open my $f, "<", $path or return "";
    local $/;
    return scalar <$f>;
}

sub start {
    my @args = @_;
    my $pid = fork;
    if ($pid == 0) {
        open STDOUT, ">", "$out/stdout" or die;
        open STDERR, ">", "$out/stderr" or die;
        exec $foxbench, @args or die;
    }
    return $pid;
}

sub finish {
    waitpid $_[0], 0;
    return $? & 127 ? 1000 + ($? & 127) : $? >> 8;
}

# The last verdict of every case.
sub verdicts {
    my ($dir) = @_;
    my %last;
    for (split /\n/, slurp("$dir/events.jsonl")) {
        next unless /"type":"case.end"/;
        my $e = decode_json($_);
        $last{"$e->{case}/$e->{axes}"} = $e->{verdict};
    }
    return join ", ", map { "$_ $last{$_}" } sort keys %last;
}

my $from = time;
is(finish(start("run", @cases, "-o", "$out/whole")), 0, "the undisturbed run") or diag slurp("$out/stderr");
my $took = time - $from;
my $want = verdicts("$out/whole/latest");
my $lost = 0;

for my $n (1 .. $kills) {
    my $whom = $n % 2 ? "supervisor" : "worker";
    my $pid = start("run", @cases, "-o", "$out/run$n");
    for (1 .. 400) { # before the plan is written there is nothing to resume
        last if slurp("$out/run$n/latest/events.jsonl") =~ /"case.begin"/;
        sleep 0.05;
    }
    sleep rand() * $took * 0.8;
    my $victim = $pid;
    if ($whom eq "worker") {
        ($victim) = grep { slurp("/proc/$_/cmdline") =~ /^foxbench\0worker/ }
            split ' ', slurp("/proc/$pid/task/$pid/children");
    }
    kill "KILL", $victim if $victim;
    finish($pid);
    my $dir      = "$out/run$n/" . readlink "$out/run$n/latest";
    my ($before) = slurp("$dir/events.jsonl") =~ /\A((?:.*\n)*)/;
    my $code     = finish(start("resume", $dir));
    is($code, 0, "$n: resume after the death of the $whom") or diag slurp("$out/stderr");
    is(verdicts($dir), $want, "$n: the verdicts of the undisturbed run");
    $lost++ if substr(slurp("$dir/events.jsonl"), 0, length $before) ne $before;
    is(finish(start("verify", $dir)), 0, "$n: verifies") or diag slurp("$out/stdout");
}
is($lost, 0, "no whole line of a ledger was lost");
is(scalar(() = glob "$ENV{TMPDIR}/foxbench-*"), 0, "no folder of a lab is left");

done_testing;

#!/usr/bin/perl
# Supervisor or worker killed (SIGKILL) at random moments in the virtual lab, then resumed: the verdicts of an undisturbed
# run, not a whole line of the ledger lost, and the run verifies. Every fourth time what resumes is killed as well. KILLS
# says how often (default 2), SEED where from, CASES which; with more than 20 kills the passing ones are not listed.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../../tests";
use FoxBench;
use JSON::PP;
use Test::More;
use Time::HiRes qw(time sleep);

my $kills = $ENV{KILLS} // 2;
my @cases = split ' ', $ENV{CASES} // "KEY-DBG-002 CLN-ID-001 KEY-MEM-001";
srand($ENV{SEED} // 7);

# The last verdict of every case.
sub verdicts {
    my ($dir) = @_;
    my %last;
    for (split /\n/, slurp("$dir/events.jsonl")) {
        next unless /"type":"case.end"/;
        my $e = decode_json($_);
        $last{"$e->{case}/$e->{axes}"} = "$e->{verdict} $e->{blame}";
    }
    return join ", ", map { "$_ $last{$_}" } sort keys %last;
}

# Kills supervisor or worker of a running foxbench after some seconds; says whether there was one to kill.
sub hurt {
    my ($pid, $whom, $after_s) = @_;
    sleep $after_s;
    my $victim = $pid;
    if ($whom eq "worker") {
        ($victim) = grep { slurp("/proc/$_/cmdline") =~ /^foxbench\0worker/ }
            split ' ', slurp("/proc/$pid/task/$pid/children");
    }
    my $hit = $victim && slurp("/proc/$victim/cmdline") ne "" && kill "KILL", $victim;
    ended($pid);
    return $hit;
}

my $from = time;
is(ended(start("run", @cases, "-o", "$out/whole")), 0, "the undisturbed run") or diag slurp("$out/stderr");
my $took = time - $from;
my $want = verdicts("$out/whole/latest");
my ($n, $lines, $lost, $early, %sum) = (0, 0, 0, 0);

while ($n < $kills) {
    my $whom = rand() < 0.5 ? "supervisor" : "worker";
    my $hit  = hurt(start("run", @cases, "-o", "$out/run"), $whom, rand() * $took);
    my $link = readlink "$out/run/latest";
    if (!$hit || !$link || slurp("$out/run/$link/events.jsonl") !~ /\n/) {
        # Nobody there to kill, or nothing on record yet that could be resumed.
        $early++;
        BAIL_OUT("it is always too early or too late to kill") if $early > 20 + 2 * $kills;
        system "rm", "-rf", "$out/run";
        next;
    }
    $n++;
    $sum{$whom}++;
    my $dir = "$out/run/$link";
    my ($before) = slurp("$dir/events.jsonl") =~ /\A((?:.*\n)*)/;
    if ($n % 4 == 0 && hurt(start("resume", $dir), $whom, rand() * $took / 2)) {
        $sum{"resume, too"}++;
        my ($then) = slurp("$dir/events.jsonl") =~ /\A((?:.*\n)*)/;
        $lost++ if substr($then, 0, length $before) ne $before;
        $before = $then;
    }
    $lines += () = $before =~ /\n/g;
    my $code = ended(start("resume", $dir));
    my $text = slurp("$out/stderr");
    my $got  = verdicts($dir);
    $lost++ if substr(slurp("$dir/events.jsonl"), 0, length $before) ne $before;
    my $verified = ended(start("verify", $dir));
    my $good     = $code == 0 && $got eq $want && $verified == 0;
    ok($good, "$n: resumed after the death of the $whom") if $kills <= 20 || !$good;
    next if $good && system("rm", "-rf", "$out/run") == 0;
    diag "$n: resume: exit $code, verify: exit $verified\n$got\n$text" . slurp("$out/stdout");
    rename "$out/run", "$out/kept$n";
}
diag join "; ", "$n kills", (map { "$_ $sum{$_}" } sort keys %sum), "$lines lines on record before";
is($n, $kills, "as often as asked for");
is($lost, 0, "no whole line of a ledger was lost");
is(scalar(() = glob "$ENV{TMPDIR}/foxbench-*"), 0, "no folder of a lab is left") if !$early;

done_testing;

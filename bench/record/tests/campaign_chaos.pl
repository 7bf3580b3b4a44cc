#!/usr/bin/perl
# Runs of short cases in a virtual lab that draws faults from the seed: none outlives the wall limits of its cases by more
# than 2 s, every verdict is that of the undisturbed run or inconclusive or an error, every record verifies. FIRST, LAST:
# the seeds (default 1 to 1000); CHAOS: the specification (default all kinds); CASES. Stops in time when SECONDS have passed.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../../tests";
use FoxBench;
use JSON::PP;
use Test::More;
use Time::HiRes qw(time);

my ($first, $last) = ($ENV{FIRST} // 1, $ENV{LAST} // 1000);
my $chaos    = $ENV{CHAOS} // "all,rate=3/min";
my @cases    = split ' ', $ENV{CASES} // "KEY-DBG-002 AUTH-UL-005";
my $seconds  = $ENV{SECONDS} // 1e9;

sub seconds {
    my ($h, $m, $s) = ($_[0] // "") =~ /T(\d\d):(\d\d):([\d.]+)/;
    return defined $s ? $h * 3600 + $m * 60 + $s : undef;
}

# What the last run's ledger says: last verdicts, faults, and by how much the slowest attempt outlived its wall limit.
sub read_run {
    my %r = (verdicts => {}, faults => 0, over => -1e9, lost => 0);
    my %limit;
    for (@{ (eval { decode_json(slurp("$out/run/latest/plan.json")) } // {})->{cases} // [] }) {
        $limit{ $_->{id} } = 10 + 2 * $_->{deadline_s};
    }
    my @wall = split /\n/, slurp("$out/run/latest/wall.jsonl");
    my ($begun, $t) = (0);
    for my $line (split /\n/, slurp("$out/run/latest/events.jsonl")) {
        my $wall = shift @wall;
        $r{faults}++ if $line =~ /"type":"chaos"/;
        $r{lost}++ if $line =~ /"type":"worker.lost"/;
        next if $line !~ /"type":"(case\.begin|case\.end|run\.end)"/;
        my ($e, $now) = (decode_json($line), seconds(decode_json($wall)->{wall}));
        $begun = $now if $e->{type} eq "case.begin";
        if ($e->{type} eq "case.end") {
            $r{verdicts}{ $e->{case} } = $e->{verdict};
            my $over = ($now - $begun) % 86400 - $limit{ $e->{case} };
            $r{over} = $over if $over > $r{over};
        }
        $r{verdicts}{ $_->{case} } //= "notrun" for @{ $e->{notrun} // [] };
    }
    return \%r;
}

is((fox("run", @cases, "-o", "$out/run"))[0], 0, "the undisturbed run") or BAIL_OUT(slurp("$out/stderr"));
my $want = read_run()->{verdicts};
my ($begin, $runs, @bad, %sum) = (time, 0);
my ($longest, $over) = (0, -1e9);
for my $seed ($first .. $last) {
    last if time - $begin > $seconds;
    system "rm", "-rf", "$out/run";
    my $from = time;
    my ($code, undef, $text) = fox("run", @cases, "--seed", $seed, "--chaos", $chaos, "-o", "$out/run");
    my $took = time - $from;
    $runs++;
    $longest = $took if $took > $longest;
    if (!-e "$out/run/latest") {
        push @bad, "seed $seed: exit $code and no record: $text";
        next;
    }
    my $r = read_run();
    $over = $r->{over} if $r->{over} > $over;
    $sum{faults} += $r->{faults};
    $sum{"workers lost"} += $r->{lost};
    push @bad, "seed $seed: $r->{over} s past its wall limit" if $r->{over} > 2;
    for my $case (sort keys %$want) {
        my $got = $r->{verdicts}{$case} // "none";
        $sum{ $got eq $want->{$case} ? "as undisturbed" : $got }++;
        push @bad, "seed $seed: $case: $got" if $got ne $want->{$case} && $got !~ /^(inconclusive|error|notrun)$/;
    }
    my ($verified, $said) = fox("verify", "$out/run/latest");
    push @bad, "seed $seed: verify: exit $verified: $said" if $verified != 0;
    rename "$out/run", "$ENV{KEEP}/seed$seed" if @bad && $ENV{KEEP} && $bad[-1] =~ /^seed $seed:/;
}
is(join("\n", @bad), "", "no hang, no wrong verdict, no record that does not verify");
cmp_ok($runs, ">", 0, "there were runs");
diag sprintf "%d runs, seeds from %d, %s; longest %.1f s; at most %.1f s past a wall limit; %s", $runs, $first, $chaos,
    $longest, $over, join ", ", map { "$_ $sum{$_}" } sort keys %sum;
done_testing;

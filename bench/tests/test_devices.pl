#!/usr/bin/perl
# Several devices at a time, and cases that are repeated, with a worker that misbehaves on demand: one run directory for
# each device, equal to that of a run of its own, whatever befalls another.
use strict;
use warnings;
use File::Copy qw(copy);
use FindBin;
use lib $FindBin::Bin;
use FoxBench;
use JSON::PP;
use Test::More;

fake_worker();
delete $ENV{NO_COLOR};
chdir $out or die;
my $fixtures = "$ENV{FOX_SOURCE_DIR}/fixtures";
symlink "$fixtures/$_", $_ for qw(keys limits);
mkdir "devices" or die;
copy("$fixtures/devices/foxdut.lua", "devices/$_.lua") or die for qw(first second);
my $devices = "$out/devices";
my @both = ("--device", "$devices/first.lua", "--device", "$devices/second.lua");

# The run directory of a device in a folder.
sub dir_of {
    my ($folder, $device) = @_;
    my @found = grep { /-\Q$device\E$/ } glob "$folder/2*";
    is(scalar @found, 1, "$folder: one run directory of $device");
    return $found[0];
}

# Every file but those that wall time touches, as one text.
sub content {
    my ($dir) = @_;
    my @files = sort split /\n/, `cd '$dir' && find . -type f ! -name wall.jsonl ! -name junit.xml ! -path './report/*'`;
    return join "", map { "== $_\n" . slurp("$dir/$_") . "\n" } @files; # a picture does not end a line
}

sub attempts {
    my ($dir) = @_;
    my @ends = grep { $_->{type} eq "case.end" } map { decode_json($_) } split /\n/, slurp("$dir/events.jsonl");
    return join " ", map { "$_->{case}:$_->{attempt}:$_->{verdict}" } @ends;
}

# --- several devices
my ($code, $tap, $err) = fox("run", "-j", 2, @both, qw(-o both PASS FAIL WARN NA));
is($code, 1, "a fail of one device is the exit code") or diag $err;
like(`prove -e cat stdout 2>&1`, qr/Failed tests:\s+1-2/, "prove sees the devices that failed");
for my $device (qw(first second)) {
    fox("run", "--device", "$devices/$device.lua", "-o", "alone", qw(PASS FAIL WARN NA));
    ok(content(dir_of("both", $device)) eq content(dir_of("alone", $device)), "$device: as in a run of its own");
    is(system("$foxbench verify " . dir_of("both", $device) . " >verified 2>&1"), 0, "$device: verifies");
}
like($tap, qr/^TAP version 13\n1\.\.2\n    TAP version 13\n    1\.\.4\n    ok 1/, "TAP: the devices' own stand indented");
like($tap, qr/^not ok 1 - first\n.*^not ok 2 - second\n/ms, "TAP: a point for each device, in their order");
like($err, qr/^Next: 2 of 2 devices need a look/m, "the summary says what to do");
unlike($err, qr/\033/, "no colours where there is no terminal");

($code, $tap) = fox("run", "-j", 4, @both, qw(-o pass PASS));
is($code, 0, "all pass: exit 0");
is(system("prove -e cat stdout >proved 2>&1"), 0, "prove passes it");
($code) = fox("run", @both, qw(-o one PASS));
is($code, 0, "without -j: one after another");
my @begun = sort map { (split m{/})[-1] =~ /^(\w+)/ } glob "one/2*";
is(scalar @begun, 2, "both were run");

# --- one worker dies; the other run goes on as if nothing had been
sub children {
    my ($of) = @_;
    my @found;
    for my $stat (glob "/proc/[0-9]*/stat") {
        my $line = slurp($stat);
        push @found, $1 if $line =~ /^(\d+) \(.*\) \S (\d+)/ && $2 == $of;
    }
    return @found;
}

sub command { return join " ", split /\0/, slurp("/proc/$_[0]/cmdline") }

# The worker of the run of a device, once its second case waits.
sub waiting_worker {
    my ($parent, $folder, $device) = @_;
    for (1 .. 400) {
        my @dirs = grep { /-\Q$device\E$/ } glob "$folder/2*";
        if (@dirs && slurp("$dirs[0]/events.jsonl") =~ /"case":"FAKE-WAIT-2".*"type":"case\.begin"/) {
            my @supervisors = grep { command($_) =~ m{/\Q$device\E\.lua\b} } children($parent), $parent;
            for my $supervisor (@supervisors) {
                my ($worker) = grep { command($_) =~ /worker/ } children($supervisor);
                return $worker if $worker;
            }
        }
        select undef, undef, undef, 0.05;
    }
    return;
}

my $pid = start("run", "-j", 2, @both, qw(-o killed --retry 1 PASS WAIT PASS));
my $first = waiting_worker($pid, "killed", "first");
my $second = waiting_worker($pid, "killed", "second");
ok($first && $second && $first != $second, "each device has a worker of its own") or diag slurp("stderr");
kill "KILL", $first if $first;
for (1 .. 200) {
    last if slurp((grep { /-first$/ } glob "killed/2*")[0] . "/run.tap") =~ /^ok 3/m;
    select undef, undef, undef, 0.05;
}
ok($second && kill(0, $second), "the other worker still waits");
kill "KILL", $second if $second;
($code, $tap, $err) = finish($pid);
is($code, 0, "killed workers: their cases are repeated") or diag $err;
my $repeated = "FAKE-PASS-1:1:pass FAKE-WAIT-2:1:error FAKE-WAIT-2:2:pass FAKE-PASS-3:1:pass";
is(attempts(dir_of("killed", "first")), $repeated, "every attempt stays visible");
$pid = start("run", "--device", "$devices/second.lua", qw(-o lone --retry 1 PASS WAIT PASS));
my $lone = waiting_worker($pid, "lone", "second");
kill "KILL", $lone if $lone;
finish($pid);
is(attempts(dir_of("lone", "second")), $repeated, "alone it is the same");

# --- signals reach all
$pid = start("run", "-j", 2, @both, qw(-o stopped PASS WAIT PASS));
waiting_worker($pid, "stopped", $_) for qw(first second);
kill "INT", $pid;
($code, $tap, $err) = finish($pid);
is($code, 2, "SIGINT: exit 2");
for my $device (qw(first second)) {
    my $dir = dir_of("stopped", $device);
    is(system("$foxbench verify $dir >verified 2>&1"), 0, "SIGINT: $device is complete and verifies");
}

# --- a supervisor that is killed: the others go on, and what to do is said
$pid = start("run", "-j", 2, @both, qw(-o gone --retry 1 PASS WAIT PASS));
waiting_worker($pid, "gone", "first");
my $other = waiting_worker($pid, "gone", "second");
my ($supervisor) = grep { command($_) =~ m{/first\.lua\b} } children($pid);
kill "KILL", $supervisor if $supervisor;
kill "KILL", $other if $other;
($code, $tap, $err) = finish($pid);
is($code, 3, "a supervisor that was killed: exit 3");
like($err, qr/The supervisor of this run ended \(signal 9.*foxbench\s+resume gone\/\S+-first$/m, "resume is named");
like($tap, qr/^ok 2 - second$/m, "the other device passes");

# --- repeats
($code, $tap) = fox("run", qw(-o retry --retry 2 ONCE WORSE CRASH FAIL));
my $dir = dir_of("retry", "foxdut");
is(attempts($dir), "FAKE-ONCE-1:1:error FAKE-ONCE-1:2:pass FAKE-WORSE-2:1:error FAKE-WORSE-2:2:fail "
    . "FAKE-CRASH-3:1:error FAKE-CRASH-3:2:error FAKE-CRASH-3:3:error FAKE-FAIL-4:1:fail",
    "what the bench broke off is repeated, a fail never");
is(system("$foxbench verify $dir >verified 2>&1"), 0, "it verifies");
like($tap, qr/^ok 1 .*^not ok 2 .*^not ok 3 .*^not ok 4 /ms, "one point a case, of its last attempt");
is(decode_json(slurp("$dir/run.json"))->{retry}, 2, "run.json says so");
($code, $tap) = fox("run", qw(-o never ONCE));
is($code, 3, "without --retry nothing is repeated");

# --- the virtual lab in earnest: two labs and two radios' worth of samples at a time, and each as if it were alone
delete @ENV{qw(FOXBENCH_WORKER FOXBENCH_LAB)};
mkdir $_ for qw(own own/suites own/suites/mine);
symlink "$ENV{FOX_SOURCE_DIR}/$_", "own/$_" for qw(lua fixtures reports);
open my $page, ">", "own/suites/mine/MINE-001.lua" or die;
print $page <<'END';
local suite <const> = require("cert").suite { id = "MINE", title = "One message" }
suite:case {
  id = "MINE-001", title = "a message is heard", threat = "None.", severity = "low", level = "basic",
  needs = { "serial", "power", "radio.rx" }, safety = "S0", covers = { "WP:A7" }, faults = {}, deadline_s = 60,
  run = function(t)
    t.dut:send "\xca\xfe"
    local message <const> = t:require("message", t.air:message { within_s = 10 }):exists()
    t:expect("kept", t.air:capture(message, "first")):is_true()
  end,
}
return suite
END
close $page;
$ENV{FOXBENCH_ROOT} = "$devices/../own";
($code, $tap, $err) = fox("run", "-j", 2, @both, qw(-o lab MINE-001));
is($code, 0, "two labs at a time") or diag $err;
fox("run", "--device", "$devices/second.lua", qw(-o alone-lab MINE-001));
ok(content(dir_of("lab", "second")) eq content(dir_of("alone-lab", "second")), "as alone: byte for byte, samples too");
like(content(dir_of("lab", "second")), qr/^== .*first\.sigmf-data$/m, "which there are");

# --- misuse
fake_worker();
($code, $tap, $err) = fox("run", @both, "--bench", "a.lua");
like("$code $err", qr/^4 .*--bench: expected one for each device.*got 1 for 2 devices/, "a bench for each device");
($code, $tap, $err) = fox("run", @both, qw(--bench a.lua --bench a.lua));
like("$code $err", qr/^4 .*a\.lua stands for two devices/, "one bench has one device at a time");
($code, $tap, $err) = fox("run", @both, qw(-j 0));
like("$code $err", qr/^4 .*-j: expected a number from 1 to 32, got '0'/, "-j takes a number");
($code, $tap, $err) = fox("run", @both, qw(-o wrong --seed 3 --fault MUT-1 --shard 4/3));
like("$code $err", qr{^4 .*--shard: expected i/n with 1 <= i <= n}, "a part that is none");
$ENV{FAKE_PLAN} = "refuse";
($code, $tap, $err) = fox("run", @both, qw(-o wrong PASS));
delete $ENV{FAKE_PLAN};
is($code, 4, "what a run refuses is the exit code");
unlike($err, qr/^  exit 4 .*wrong/m, "and no directory is named that is none");
($code, $tap, $err) = fox("run", qw(--tap 14 -o fourteen PASS));
like($tap, qr/^TAP version 14\n1\.\.1\nok 1/, "--tap 14");
is(system("$foxbench verify " . dir_of("fourteen", "foxdut") . " >verified 2>&1"), 0, "which changes no record");

done_testing();

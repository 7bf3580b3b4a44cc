#!/usr/bin/perl
# The rows of blame.txt: somebody breaks something, and the verdict and the blame must be the row's. The rows that need
# a run of their own in the virtual lab take a minute together and run with BLAME=all only. With --page it prints
# docs/BLAME.md.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use FoxBench qw($out slurp spawn ended);
use JSON::PP;
use Test::More;
use Time::HiRes qw(time sleep);

binmode Test::More->builder->$_, ":encoding(UTF-8)" for qw(output failure_output todo_output);
my $source = $ENV{FOX_SOURCE_DIR} or die "FOX_SOURCE_DIR is not set";
my (@rows, $section);
open my $list, "<:encoding(UTF-8)", "$source/bench/tests/blame.txt" or die;
while (<$list>) {
    chomp;
    $section = undef if $_ eq "";
    if (/^# (.*)/ && !defined $section) { $section = $1 }
    next if /^#|^$/;
    my ($what, $how, $want, $text) = split / \| ?/, $_, 4;
    my ($kind, $argument) = split / /, $how, 2;
    push @rows, { what => $what, kind => $kind, argument => $argument // "", want => $want, text => $text,
        section => $section };
}

if (@ARGV && $ARGV[0] eq "--page") {
    binmode STDOUT, ":encoding(UTF-8)";
    my $n = 0;
    print "# Who is to blame\n\nMade from `bench/tests/blame.txt`, whose rows are carried out by `bench/tests/test_blame.pl`"
        . " (those marked * in the virtual lab,\nby `cmake --build build/dev --target campaign_blame`). A verdict of - is a"
        . " refusal before anything is run. What the words mean\nstands in [EVIDENCE.md](EVIDENCE.md).\n";
    $section = "";
    for my $row (@rows) {
        if ($row->{section} ne $section) {
            $section = $row->{section};
            print "\n## \u$section\n\n| | what happens | verdict | blame |\n| --- | --- | --- | --- |\n";
        }
        my ($verdict, $blame) = split / /, $row->{want};
        my $mark = $row->{kind} =~ /^(lab|child|disk|declared)$/ ? "*" : "";
        printf "| %d%s | %s | %s | %s |\n", ++$n, $mark, $row->{what}, map { ($_ // "-") eq "-" ? "-" : $_ } $verdict, $blame;
    }
    exit 0;
}

my $bin     = $ENV{FOX_BIN_DIR};
my $results = "$out/results";
$ENV{PATH} = "$bin/../tests:$ENV{PATH}";
is(scalar(`perl $0 --page`), slurp("$source/docs/BLAME.md"),
    "docs/BLAME.md is the table; else: perl bench/tests/test_blame.pl --page >docs/BLAME.md");
my %made_up = (FOXBENCH_WORKER => "$bin/../tests/fake_worker",
    FOXBENCH_LAB => "$source/bench/record/tests/fake_lab.sh");

sub spill {
    my ($path, $text) = @_;
    open my $f, ">:encoding(UTF-8)", $path or die "$path: $!";
    print $f $text;
    close $f or die "$path: $!";
}

sub start {
    my ($environment, @command) = @_;
    unlink "$results/latest" if grep { $_ eq "run" } @command;
    local %ENV = (%ENV, %$environment);
    return spawn(@command);
}

sub fox { return ended(start(@_)) }

sub run_dir { return readlink("$results/latest") ? "$results/" . readlink "$results/latest" : undef }

# Verdict, blame and all texts of a case in the last run.
sub outcome {
    my ($case) = @_;
    my ($verdict, $blame, $texts) = ("none", "-", "");
    for (split /\n/, slurp(run_dir() . "/events.jsonl")) {
        next if /"type":"note"/;
        my $e = decode_json($_);
        if ($e->{type} eq "run.end") {
            for (grep { $_->{case} eq $case } @{ $e->{notrun} }) { ($verdict, $texts) = ("notrun", "$texts $_->{reason}") }
        }
        next if ($e->{case} // "") ne $case;
        $texts .= join " ", "", grep { defined && !ref } @$e{qw(reason text actual)};
        ($verdict, $blame) = @$e{qw(verdict blame)} if $e->{type} eq "case.end";
    }
    return ("$verdict $blame", $texts);
}

sub judge {
    my ($row, $case) = @_;
    return fail($row->{what}) || diag(slurp("$out/stderr")) if !run_dir();
    my ($got, $texts) = outcome($case);
    my $good = is($got, $row->{want}, "$row->{section}: $row->{what}");
    $good = like($texts, qr/$row->{text}/, "and says so") && $good if $row->{text};
    is(fox({}, "$bin/foxbench", "verify", run_dir()), 0, "and its record verifies") if !$row->{shared};
    diag $texts if !$good;
}

sub of_kind {
    my ($kind) = @_;
    return grep { $_->{kind} eq $kind } @rows;
}

# --- a made-up worker: all words in one run, a good case behind each
my (@words, $place);
for my $row (of_kind "worker") {
    push @words, $row->{argument}, "PASS";
    $row->{case} = sprintf "FAKE-%s-%d", $row->{argument}, scalar(@words) + 1;
    $row->{shared} = 1;
}
is(fox(\%made_up, "$bin/foxbench", "run", "PASS", "PASS", @words, "-o", $results), 1, "a worker that does all of that")
    or diag slurp("$out/stderr");
judge($_, $_->{case}) for of_kind "worker";
my ($begun, %lasted) = (0);
{
    my @wall = map { decode_json($_) } split /\n/, slurp(run_dir() . "/wall.jsonl");
    my @events = map { decode_json($_) } split /\n/, slurp(run_dir() . "/events.jsonl");
    my $good = 0;
    for my $i (0 .. $#events) {
        my ($h, $m, $s) = ($wall[$i]{wall} // "") =~ /T(\d\d):(\d\d):([\d.]+)/ or next;
        my $now = $h * 3600 + $m * 60 + $s;
        $begun = $now if $events[$i]{type} eq "case.begin";
        next if $events[$i]{type} ne "case.end";
        $lasted{ $events[$i]{case} } = ($now - $begun) % 86400;
        $good++ if $events[$i]{case} =~ /PASS/ && $events[$i]{verdict} eq "pass";
    }
    is($good, scalar(of_kind "worker") + 2, "the case behind each passes");
    my ($longest) = sort { $b <=> $a } values %lasted;
    cmp_ok($longest, "<=", 12 + 2, "no case outlives its wall limit by more than 2 s");
    is(fox({}, "$bin/foxbench", "verify", run_dir()), 0, "its record verifies");
    is(system("$source/bench/record/tests/check_schemas.py $results/latest >$out/schemas 2>&1"), 0,
        "every document follows its schema") or diag slurp("$out/schemas");
}

for my $row (of_kind "open") {
    is(fox({ %made_up, FAKE_OPEN => $row->{argument} }, "$bin/foxbench", "run", "PASS", "PASS", "-o", $results), 3,
        "nothing is run");
    judge($row, "FAKE-PASS-$_") for 1, 2;
}
for my $row (of_kind "lost") {
    my $from = time;
    fox(\%made_up, "$bin/foxbench", "run", $row->{argument}, "PASS", "-o", $results);
    judge($row, "FAKE-$row->{argument}-1");
    cmp_ok(time - $from, "<", 8, "and it is noticed at once");
}
for my $row (of_kind "signal") {
    my $pid = start(\%made_up, "$bin/foxbench", "run", "PASS", "WAIT", "PASS", "-o", $results);
    for (1 .. 200) {
        last if run_dir() && slurp(run_dir() . "/events.jsonl") =~ /"FAKE-WAIT-2"/;
        sleep 0.05;
    }
    kill $row->{argument}, $pid;
    is(ended($pid), 2, "SIG$row->{argument} ends the run");
    judge($row, "FAKE-WAIT-2");
}

# --- pages of a suite: each a case of its own, in one run; one more page asks for three messages
my $root = "$out/root";
system "mkdir -p $root/suites/p $root/suites/profiles && ln -s $source/lua $source/fixtures $source/reports $root/";
sub page {
    my ($id, $body, $deadline_s) = @_;
    spill("$root/suites/p/$id.lua", <<END);
local cert <const> = require "cert"
local suite <const> = cert.suite { id = "P", title = "Pages that go wrong" }
suite:case {
  id = "$id", title = "a page", threat = "none", severity = "low", level = "basic", needs = { "serial", "radio.rx" },
  safety = "S0", covers = { "WP:A36" }, faults = {}, deadline_s = $deadline_s,
  run = function(t)
    $body
  end,
}
return suite
END
}
my $number = 0;
for my $row (of_kind "page") {
    $row->{case} = sprintf "P-%03d", ++$number;
    page($row->{case}, $row->{argument}, 20);
    $row->{shared} = 1;
}
page("P-900", 'for _ = 1, 3 do t:require("the request", t.dut:send("\xca\xfe")):exists()'
    . ' t:require("the message", t.air:message { within_s = 30 }):exists() end', 120);
spill("$root/suites/profiles/smoke.lua", "return { title = \"Smoke\", cases = { \"P-900\" } }\n");
my %pages = (FOXBENCH_ROOT => $root);
is(fox(\%pages, "$bin/foxbench", "run", (map { $_->{case} } of_kind "page"), "P-900", "-o", $results), 1, "pages: exit")
    or diag slurp("$out/stderr");
judge($_, $_->{case}) for of_kind "page";
is((outcome("P-900"))[0], "pass none", "the page that is right passes behind all of them");
is(fox({}, "$bin/foxbench", "verify", run_dir()), 0, "and its record verifies");

# --- files of device and bench, and the command line: refused, or the configuration's
sub edited {
    my ($from, $edit, $to) = @_;
    my $text = slurp($from);
    spill("$out/edit.sed", $edit);
    spill("$out/before", $text);
    system("sed -f $out/edit.sed $out/before >$to") == 0 or die;
    $text = slurp($to);
    isnt($text, slurp($from), "$edit changes the file");
    $text =~ s|file:\.\./keys|file:$source/fixtures/keys|g;
    spill($to, $text);
}
my %case_of = (declared => "AUTH-UL-005", sends => "AUTH-DL-001");
for my $row (grep { $_->{kind} =~ /^(bench|sends|device|args|fault)$/ || $ENV{BLAME} && $_->{kind} eq "declared" } @rows) {
    my @files = ("--bench", "$source/fixtures/benches/virtual.lua", "--device", "$source/fixtures/devices/foxdut.lua");
    if ($row->{kind} !~ /^(args|fault)$/) {
        my $which = $row->{kind} =~ /^(bench|sends)$/ ? 1 : 3;
        my $from = $files[$which];
        $files[$which] = "$out/$row->{kind}.lua";
        edited($from, $row->{argument}, $files[$which]);
    }
    my @select = $row->{kind} eq "args" ? split(/ /, $row->{argument}) : ($case_of{ $row->{kind} } // "CNT-UL-004");
    my @command = ("$bin/foxlab", "run", "default", "--", "$bin/foxbench", "run", @files, @select, "-o", $results);
    @command = ("$bin/foxbench", "run", "--fault", $row->{argument}, "-o", $results) if $row->{kind} eq "fault";
    my $code = fox({}, @command);
    if ($row->{want} eq "-") {
        is($code, 4, "$row->{section}: $row->{what}: refused") or diag slurp("$out/stderr");
        like(slurp("$out/stderr"), qr/$row->{text}/, "and says so");
        is(run_dir(), undef, "and there is no run");
    } else {
        judge($row, $select[0]);
    }
}

# --- in the virtual lab, one run each
for my $row ($ENV{BLAME} ? of_kind "lab" : ()) {
    my $text = slurp("$source/fixtures/scenarios/default.scenario");
    my @more;
    for my $line (split /; /, $row->{argument}) {
        if ($line =~ /^loss=(.*)/)      { my $loss = $1;   $text =~ s/^(path +dut1 station1 loss=)\S+/$1$loss/m }
        elsif ($line =~ /^device=(.*)/) { my $device = $1; $text =~ s/^(device dut1 uart=dut1 ).*/$1$device/m }
        else                            { push @more, "$line\n" }
    }
    spill("$out/blame.scenario", $text . join "", @more);
    my $from = time;
    fox(\%pages, "$bin/foxlab", "run", "$out/blame.scenario", "--", "$bin/foxbench", "run", "P-900", "--bench",
        "$source/fixtures/benches/virtual.lua", "--device", "$source/fixtures/devices/foxdut.lua", "-o", $results);
    judge($row, "P-900");
    diag sprintf "%.1f s: %s", time - $from, $row->{what};
}
for my $row ($ENV{BLAME} ? of_kind "child" : ()) {
    my ($name, $signal) = split / /, $row->{argument};
    my $pid = start(\%pages, "$bin/foxbench", "run", "P-900", "-o", $results);
    for (1 .. 300) {
        last if run_dir() && slurp(run_dir() . "/events.jsonl") =~ /"type":"uplink"/;
        sleep 0.02;
    }
    my ($child) = grep { slurp("/proc/$_/cmdline") =~ /\Q$name\E/ } split ' ', slurp("/proc/$pid/task/$pid/children");
    ok($child && kill($signal, $child), "SIG$signal for the $name");
    my $from = time;
    ended($pid);
    judge($row, "P-900");
    cmp_ok(time - $from, "<", 5 + 2 + 2, "and it is noticed in time");
}
for my $row ($ENV{BLAME} ? of_kind "disk" : ()) {
  SKIP: {
        skip "no small disk can be mounted here", 3
            if system("mkdir $out/small && mount -t tmpfs -o size=6m none $out/small 2>$out/stderr") != 0;
        $results = "$out/small";
        fox({}, "$bin/foxbench", "run", "AUTH-UL-001", "-o", $results);
        judge($row, "AUTH-UL-001");
        system "umount", "$out/small";
    }
}

done_testing;

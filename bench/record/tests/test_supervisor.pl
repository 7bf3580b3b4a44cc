#!/usr/bin/perl
# The supervisor against workers and laboratories that misbehave: who is blamed, what is booked, and that every run
# directory verifies. fake_worker.c says what the words of a selection do.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../../tests";
use FoxBench;
use JSON::PP;
use POSIX qw(:sys_wait_h);
use Test::More;
use Time::HiRes qw(time sleep);

fake_worker();

sub run_dir { return "$out/results/" . readlink("$out/results/latest") }

# Every event of the last run but the notes, which only fill.
my ($parsed_dir, @parsed) = ("");
sub events {
    if ($parsed_dir ne run_dir()) {
        $parsed_dir = run_dir();
        @parsed = map { decode_json($_) } grep { !/"type":"note"/ } split /\n/, slurp("$parsed_dir/events.jsonl");
    }
    return @parsed;
}

# The last event of a type for a case.
sub of_case {
    my ($type, $case) = @_;
    my ($found) = grep { $_->{type} eq $type && ($_->{case} // "") eq $case } reverse events();
    return $found;
}

sub verifies {
    my ($want, $what) = @_;
    my ($code, $text) = fox("verify", run_dir());
    is($code, $want, "verify: $what") or diag $text;
    return $text;
}

# One run over `@$select`; checks exit code, every case's verdict and blame, and that the directory verifies.
sub try {
    my ($what, $select, $exit, $cases) = @_;
    my ($code, $tap, $err) = fox("run", @$select, "-o", "$out/results");
    is($code, $exit, "$what: exit") or diag $err;
    for my $case (sort keys %$cases) {
        my ($verdict, $blame, $reason) = @{ $cases->{$case} };
        my $end = of_case("case.end", $case);
        ok($end, "$what: $case ended") or next;
        is("$end->{verdict} $end->{blame}", "$verdict $blame", "$what: $case");
        like($end->{reason}, $reason, "$what: $case gives its reason") if $reason;
    }
    verifies(0, $what);
    unlike($err, qr/^\s*$/, "$what: the human is told something");
    return ($tap, $err);
}

# --- every verdict, and what the outputs make of them
my ($tap, $err) = try("verdicts", [qw(PASS FAIL WARN INFO OPEN EMPTY NA)], 1, {
    "FAKE-PASS-1"  => [qw(pass none)],
    "FAKE-FAIL-2"  => ["fail", "device", qr/tag is wrong/],
    "FAKE-WARN-3"  => [qw(warn device)],
    "FAKE-INFO-4"  => [qw(info none)],
    "FAKE-OPEN-5"  => ["inconclusive", "bench", qr/samples were lost/],
    "FAKE-EMPTY-6" => ["inconclusive", "suite", qr/demanded nothing/],
});
like($err, qr/^Next: the device fails/m, "the summary begins with what to do");
is($tap, slurp(run_dir() . "/run.tap"), "run.tap is what stdout got");
my $prove = `prove -e cat $out/results/latest/run.tap 2>&1`;
like($prove, qr/Failed tests:\s+2, 5-6/, "prove sees exactly the tests that failed") or diag $prove;
unlike($prove, qr/TODO|Parse errors/, "a reason cannot turn red into green") or diag $prove;
my $xsd = "$ENV{FOX_SOURCE_DIR}/fixtures/schemas/junit.xsd";
is(system("xmllint --noout --schema $xsd $out/results/latest/junit.xml 2>$out/xml"), 0, "junit.xml follows its schema")
    or diag slurp("$out/xml");
my $junit = slurp("$out/results/latest/junit.xml");
like($junit, qr/tests="7" failures="1" errors="2" skipped="1"/, "junit.xml counts");
unlike(slurp(run_dir() . "/events.jsonl") . slurp(run_dir() . "/run.json"), qr/\b20\d\d-\d\d-\d\dT/,
    "no wall time outside wall.jsonl");
is(system("$FindBin::Bin/check_schemas.py $out/results/latest >$out/schemas 2>&1"), 0, "every document follows its schema")
    or diag slurp("$out/schemas");
is_deeply(decode_json(slurp(run_dir() . "/run.json"))->{substitutes}, [qw(worker lab)], "substitutes are confessed");
ok(!-e run_dir() . "/cases/FAKE-NA-7", "what does not apply leaves no attempt");

# --- hostile titles
for my $title ("fine # TODO later", "fine # SKIP it", "1..0 # skip\nok 1 - forged\nBail out!", "back\\slash \\# \x01\x7f") {
    local $ENV{FAKE_TITLE} = $title;
    try("title", ["FAIL"], 1, { "FAKE-FAIL-1" => [qw(fail device)] });
    my $seen = `prove -e cat $out/results/latest/run.tap 2>&1`;
    isnt($?, 0, "red stays red") or diag $seen;
    like($seen, qr/Failed 1\/1 subtests/, "one test was planned, one failed") or diag $seen;
}
for my $title ('"/><system-out/></testcase><testcase name="', "</title><script>alert(1)</script>", ']]> &amp; &#0; <!--',
    "\xe2\x80\xa8line \xc2\x85 \xe2\x80\xae\xef\xbf\xbf", "a\tb\r\nc") {
    local $ENV{FAKE_TITLE} = $title;
    try("markup in a title", ["FAIL"], 1, { "FAKE-FAIL-1" => [qw(fail device)] });
    is(system("xmllint --noout --schema $xsd $out/results/latest/junit.xml 2>$out/xml"), 0, "junit.xml follows its schema")
        or diag slurp("$out/xml");
    is(`xmllint --xpath 'concat(count(//testcase), count(//testcase/failure), //testsuite/\@failures)' $out/results/latest/junit.xml`
            =~ s/\s+//r, "111", "one test case, one failure");
    my $page = slurp(run_dir() . "/report/report.html");
    unlike($page, qr/<script>alert|<testcase|<!-- /, "no markup of the title's in the report");
    like($page, qr/FAKE-FAIL-1/, "the report has the case");
    my ($entry) = @{ decode_json(slurp(run_dir() . "/plan.json"))->{cases} };
    utf8::encode(my $bytes = $entry->{title});
    ok($bytes eq $title, "plan.json has the title as it is");
    is(decode_json(slurp(run_dir() . "/cases/FAKE-FAIL-1/_/attempt-1/verdict.json"))->{verdict}, "fail", "red stays red");
}
{
    local $ENV{FAKE_TITLE} = "not UTF-8: \xff\xfe";
    my ($code) = fox("run", "PASS", "-o", "$out/none");
    is($code, 3, "a title that is no UTF-8 makes no plan");
}

# --- evidence; bench/tests/blame.txt has what workers do wrong, and test_blame.pl the wall limits
try("evidence", [qw(PASS)], 0, { "FAKE-PASS-1" => [qw(pass none)] });
is(slurp(run_dir() . "/cases/FAKE-PASS-1/_/attempt-1/log.txt"), "all is well\n", "evidence is kept");

# --- watched cases
try("watched", [qw(PASS WATCH)], 0, { "FAKE-PASS-1" => [qw(pass none)], "FAKE-WATCH-2" => [qw(pass none)] });

# --- axes
try("axes", [qw(AXES)], 0, { "FAKE-AXES-1" => [qw(pass none)] });
is(of_case("case.end", "FAKE-AXES-1")->{axes}, "a=1+2,k=v", "axes are named in order");
ok(-e run_dir() . "/cases/FAKE-AXES-1/a=1+2,k=v/attempt-1/verdict.json", "and name the folder");
like(slurp(run_dir() . "/run.tap"), qr/^ok 1 - FAKE-AXES-1\/a=1\+2,k=v /m, "and the test");

# --- nothing to do
try("nothing applies", [qw(NA NA)], 5, {});

# --- instruments that cannot be opened
for my $how (qw(crash fault judge)) {
    local $ENV{FAKE_OPEN} = $how;
    ($tap, $err) = try("open $how", [qw(PASS PASS)], 3, {});
    my ($end) = grep { $_->{type} eq "run.end" } events();
    is(scalar @{ $end->{notrun} }, 2, "open $how: both cases are not run");
    like($end->{notrun}[0]{reason}, qr/instruments cannot be opened/, "open $how: and why");
    is(() = $tap =~ /^not ok/mg, 2, "open $how: TAP has both");
}
like($err, qr/no event "expect" is expected while instruments are opened/, "nobody judges before the first case");

# --- a laboratory that dies
my $begin = time;
try("dying lab", [qw(NOLAB PASS)], 3, { "FAKE-NOLAB-1" => ["error", "bench", qr/lab/] });
($tap, $err) = try("dying lab, blocked worker", [qw(LOSTLAB PASS)], 3,
    { "FAKE-LOSTLAB-1" => ["error", "bench", qr/virtual lab ended \(signal 9/] });
cmp_ok(time - $begin, "<", 8, "a dead lab is noticed at once");
like($err, qr/notrun\s+FAKE-PASS-2: the virtual lab ended/, "the rest is not run");

# --- before there is a run directory
for my $case (
    ["FAKE_PLAN", "refuse", 4, qr/expected a dialect, got 'sfm99'/],
    ["FAKE_PLAN", "crash", 3, qr/no plan could be made/],
    ["FAKE_PLAN", "garbage", 3, qr/no plan could be made/],
    ["FAKE_PLAN", "twins", 3, qr/is there twice/],
    ["FAKE_LAB", "unknown", 4, qr/unknown fault 'MUT-XXX-999'/],
    ["FAKE_LAB", "broken", 3, qr/no pseudo terminal/],
    ["FAKE_LAB", "mute", 3, qr/ended \(exit 0\) without a word/],
    ["FAKE_LAB", "garbage", 3, qr/expected at most 64 lines NAME=value/],
) {
    my ($name, $how, $want, $text) = @$case;
    local $ENV{$name} = $how;
    my ($code, $tap_text, $err_text) = fox("run", "PASS", "PASS", "-o", "$out/none");
    is($code, $want, "$name=$how: exit");
    like($err_text, $text, "$name=$how: says why");
    is(() = $err_text =~ /^foxbench run:/mg, 1, "$name=$how: in one line");
    is($tap_text, "", "$name=$how: no TAP");
    ok(!-e "$out/none", "$name=$how: no run directory");
}
for my $case (
    [["--nonsense"], qr/unknown option '--nonsense'/],
    [["--seed", "x"], qr/--seed: expected a whole number/],
    [["--seed"], qr/--seed: expected a value/],
    [["--seed", "1", "--seed", "2"], qr/expected once/],
    [["--bench", "b.lua", "--fault", "X"], qr/virtual lab/],
) {
    my ($code, $tap_text, $err_text) = fox("run", @{ $case->[0] });
    is($code, 4, "@{ $case->[0] }: exit");
    like($err_text, $case->[1], "@{ $case->[0] }: says why");
}
{
    open my $f, ">", "$out/file" or die;
    close $f;
    my ($code, undef, $err_text) = fox("run", "PASS", "-o", "$out/file/results");
    is($code, 3, "a place that cannot be written: exit");
    like($err_text, qr/^foxbench run: -o [^\n]*\n\z/, "a place that cannot be written: one line");
}
SKIP: {
    skip "no /dev/full", 1 unless -e "/dev/full";
    my $pid = fork;
    if ($pid == 0) {
        open STDOUT, ">", "/dev/full" or die;
        open STDERR, ">", "$out/stderr" or die;
        exec $foxbench, "run", "PASS", "-o", "$out/results" or die;
    }
    waitpid $pid, 0;
    verifies(0, "a reader of stdout that fails costs no evidence");
}

# --- dry run
{
    my ($code, $text) = fox("run", "--dry-run", "PASS", "NA", "-o", "$out/none");
    is($code, 0, "dry run: exit");
    like($text, qr/^ +1  FAKE-PASS-1 .*  a made-up case$/m, "dry run prints the plan");
    like($text, qr/^  FAKE-NA-2: not applicable: no downlink/m, "and what does not apply");
    ok(!-e "$out/none", "dry run leaves nothing");
}

# --- signals, and the supervisor's own death
# A run that has come to its case WAIT.
sub start_waiting {
    my @select = @_;
    unlink "$out/results/latest";
    my $pid = start("run", @select, "-o", "$out/results");
    for (1 .. 200) {
        last if -e "$out/results/latest" && slurp("$out/results/latest/events.jsonl") =~ /"FAKE-WAIT-2"/;
        sleep 0.05;
    }
    sleep 0.2;
    return $pid;
}

sub children {
    my ($pid) = @_;
    return split ' ', slurp("/proc/$pid/task/$pid/children");
}

for my $signal (qw(INT TERM)) {
    my $pid = start_waiting(qw(PASS WAIT PASS));
    kill $signal, $pid;
    waitpid $pid, 0;
    is($? >> 8, 2, "SIG$signal: exit");
    my $end = of_case("case.end", "FAKE-WAIT-2");
    is("$end->{verdict} $end->{blame}", "error operator", "SIG$signal: the operator is to blame");
    my ($run_end) = grep { $_->{type} eq "run.end" } events();
    is($run_end->{notrun}[0]{case}, "FAKE-PASS-3", "SIG$signal: the rest is not run");
    verifies(0, "SIG$signal");
}
{
    my $pid      = start_waiting(qw(PASS WAIT PASS));
    my @children = children($pid);
    is(scalar @children, 2, "lab and worker live");
    my ($code, undef, $err_text) = (0, "", "");
    kill "KILL", $pid;
    waitpid $pid, 0;
    for (1 .. 60) {
        last unless grep { kill 0, $_ } @children;
        sleep 0.05;
    }
    is(scalar(grep { kill 0, $_ } @children), 0, "lab and worker die with the supervisor");
    my $text = verifies(6, "kill -9 leaves an unfinished run");
    like($text, qr/^unfinished: it ends after \d+ events/, "and it says so");
    ok(of_case("case.end", "FAKE-PASS-1"), "what was decided before is kept");
}

# --- resume
sub verdicts {
    my %last;
    for (grep { $_->{type} eq "case.end" } map { decode_json($_) } split /\n/, slurp(run_dir() . "/events.jsonl")) {
        $last{$_->{case}} = "$_->{verdict} $_->{attempt}";
    }
    return join ", ", map { "$_ $last{$_}" } sort keys %last;
}
sub resumes {
    my ($what, $want) = @_;
    my ($before) = slurp(run_dir() . "/events.jsonl") =~ /\A((?:.*\n)*)/;
    my ($code, $tap, $err_text) = fox("resume", run_dir());
    is($code, 0, "resume $what: exit") or diag $err_text;
    is(verdicts(), $want, "resume $what: verdicts and attempts");
    is(substr(slurp(run_dir() . "/events.jsonl"), 0, length $before), $before, "resume $what: no whole line is lost");
    is(scalar(() = $tap =~ /^ok \d/mg), 3, "resume $what: TAP answers for every case") or diag $tap;
    is($tap, slurp(run_dir() . "/run.tap"), "resume $what: run.tap is whole");
    verifies(0, "resume $what");
}
my $resumed = "FAKE-PASS-1 pass 1, FAKE-PASS-3 pass 1, FAKE-WAIT-2 pass 2";
sub killed {
    my ($signal) = @_;
    my $pid = start_waiting(qw(PASS WAIT PASS));
    kill $signal, $pid;
    waitpid $pid, 0;
}
sub append_to {
    my ($name, $text) = @_;
    open my $f, ">>", run_dir() . "/$name" or die;
    print $f $text;
    close $f;
}
killed("KILL");
resumes("after kill -9", $resumed);
is((fox("resume", run_dir()))[0], 0, "resume of a finished run repeats nothing");
is(verdicts(), $resumed, "and keeps every verdict");
verifies(0, "resumed twice");
killed("INT");
verifies(0, "stopped by the operator");
resumes("after an interrupt", $resumed);
killed("KILL");
{
    local $ENV{FAKE_OPEN} = "fault";
    is((fox("resume", run_dir()))[0], 3, "resume without instruments: exit");
    verifies(0, "resume without instruments");
}
resumes("when they are back", $resumed);
killed("KILL");
append_to("events.jsonl", '{"case":"FAKE-WAIT-2","ty');
verifies(6, "a torn event");
resumes("after a torn event", $resumed);
killed("KILL");
for my $left (40, 0) { # bytes of the last wall line, whose event is whole
    my @wall = split /^/, slurp(run_dir() . "/wall.jsonl");
    my $last = pop @wall;
    open my $f, ">", run_dir() . "/wall.jsonl" or die;
    print $f @wall, substr($last, 0, $left);
    close $f;
    resumes("after a wall line of $left bytes", $resumed);
    killed("KILL");
}
{
    my $text = slurp(run_dir() . "/events.jsonl");
    $text =~ s/"seed":1/"seed":2/;
    open my $f, ">", run_dir() . "/events.jsonl" or die;
    print $f $text;
    close $f;
    my ($code, undef, $err_text) = fox("resume", run_dir());
    is($code, 7, "resume of an altered run: exit");
    like($err_text, qr/events.jsonl line 1: .*an altered run cannot be continued/, "resume of an altered run: why");
    is(slurp(run_dir() . "/events.jsonl"), $text, "resume of an altered run leaves it alone");
}
killed("KILL");
{
    local $ENV{FOXBENCH_LAB} = "";
    my ($code, undef, $err_text) = fox("resume", run_dir());
    is($code, 4, "resume with another lab: exit");
    like($err_text, qr/run.json says substitutes \["worker","lab"\], now it would be \["worker"\]/,
        "resume with another lab: why");
}
is((fox("resume", "$out/nowhere"))[0], 4, "resume of nothing: exit");
{
    local $ENV{FAKE_KEY} = "51ab0c77e29d3f10886a54c2bb07d9fe";
    my $device = "$out/leaky.lua";
    open my $f, ">", $device or die;
    print $f qq(syntax(1)\nreturn { key = "env:FAKE_KEY" }\n);
    close $f;
    my ($code, undef, $err_text) = fox("run", "LEAK", "--device", $device, "-o", "$out/results");
    is($code, 3, "a key in the evidence: exit");
    like($err_text, qr{cases/FAKE-LEAK-1/_/attempt-1/dump.txt as hex text at byte 0}, "a key in the evidence is named");
    my ($fault) = grep { $_->{type} eq "fault" && !$_->{case} } events();
    is("$fault->{code} $fault->{blame}", "CHECK bench", "a key in the evidence: in the ledger");
    is(of_case("case.end", "FAKE-LEAK-1")->{verdict}, "pass", "the device is not to blame for it");
    unlike($err_text . slurp(run_dir() . "/events.jsonl"), qr/51ab0c77/, "but not shown");
    verifies(0, "a key in the evidence");
}
my @links = grep { -d } glob "$out/*/.*.lab";
is(scalar(@links), scalar(() = glob "$ENV{TMPDIR}/foxbench-*"), "a lab's folder is left only where there is something to resume");

done_testing;

#!/usr/bin/perl
# Devices that are unlike the reference device and right all the same: none may fail, and none stay undecided. And
# devices whose file says what is not so: that is found, or the file is refused with advice, and no case passes that
# would hide it. Each row changes the firmware (foxdut --list-lawful), the device file, the scenario or the bench file
# in a few places, and runs the cases on authentication, counters and encryption. Prints one line a row.
#
# usage: campaign_lawful.pl FOXBENCH [PATTERN [SELECT...]]   rows whose printed names match PATTERN, by default all
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use JSON::PP qw(decode_json);

# What a row changes: [pattern, replacement] of each line of a file.
my $no_reset  = ['^\s*reset = "AC1",', ''];
my $no_field  = ['^\s*lab_enable = "AC2",', ''];
my $no_ladder = ['^\s*supply_low = "AC7",', ''];

sub features { return ['features = \{.*\}', "features = { " . join(", ", map { "\"$_\"" } @_) . " }"] }
sub option { return ['^(device dut1 .*)', "\$1 $_[0]"] }
sub crystal { return ['^(device dut1 )', "\$1ppm=$_[0] "] }

my @lawful = (
    { name => "late, lower case, LF", faults => ["LAW-LATE", "LAW-LOWER", "LAW-LF"] },
    { name => "echo unlike its dialect", faults => ["LAW-ECHO"] },
    { name => "OK first, spaces, long gaps, late confirmation",
        faults => ["LAW-EARLY-OK", "LAW-SPACES", "LAW-GAP-LONG", "LAW-CONFIRMS-LATE"] },
    { name => "slow start, banner, talk, short gaps, early confirmation, narrow window",
        faults => ["LAW-BOOTS", "LAW-TALKS", "LAW-GAP-SHORT", "LAW-CONFIRMS-EARLY", "LAW-WINDOW"] },
    { name => "drift, faint, faint first frame, -19.5 ppm, counter 8 ahead",
        faults => ["LAW-DRIFTS", "LAW-FAINT", "LAW-FAINT-FIRST", "LAW-AHEAD"], scenario => [crystal(-19.5)] },
    { name => "loud, +19.5 ppm, counter 64 ahead, an output that blinks",
        faults => ["LAW-LOUD", "LAW-FAR-AHEAD", "LAW-BLINK"], scenario => [crystal("19.5")] },
    { name => "no reset, no lab-enable line, no lowered supply", bench => [$no_reset, $no_field, $no_ladder],
        lacks => 1 },
    { name => "neither test modes nor extensions nor units", device => [
        features("KNOWNKEY", "DL", "EXTMEM"), ['extensions = \{.*\}', "extensions = {}"],
        ['^\s*samples = .*', "  samples = {"] , ['^\s*\{ id = .*', ""] ] },
    { name => "nothing but its key and downlinks in the file", device => [
        features("KNOWNKEY", "DL"), ['extensions = \{.*\}', "extensions = {}"], ['^\s*sensitivity_dbm.*', ""],
        ['^\s*pac = .*', ""], ['^\s*samples = .*', "  samples = {"] , ['^\s*\{ id = .*', ""] ] },
    { name => "a counter at its end", nvm => "counter=4093,epoch=7" },
    { name => "roll-over at 2048, in its middle", nvm => "counter=1020,epoch=3",
        scenario => [option("--rollover 2048")], device => [['modulus = 4096', "modulus = 2048"]] },
    { name => "roll-over at 128", nvm => "counter=100,epoch=3", scenario => [option("--rollover 128")],
        device => [['modulus = 4096', "modulus = 128"]] },
);

# What must come of it: a case that fails by the device (`finds`), one that blames the file (`complains`), a refusal to
# begin (`refused`), or no pass at all (`undecided`).
my @liars = (
    { name => "roll-over at 128, 4096 declared", scenario => [option("--rollover 128")], cases => ["CNT-UL-003"],
        finds => "CNT-UL-003" },
    { name => "roll-over at 4096, 128 declared", device => [['modulus = 4096', "modulus = 128"]],
        cases => ["CNT-UL-003"], finds => "CNT-UL-003" },
    { name => "another zone declared", device => [['zone = "RC1"', 'zone = "RC6"']], refused => "RC6.*lo_hz" },
    { name => "another PAC declared", device => [['pac = "5E7A1C0D9B3F2468"', 'pac = "5E7A1C0D9B3F2469"']],
        finds => "AUTH-UL-005" },
    { name => "another ID declared", device => [['id = "00F0C5A1"', 'id = "00F0C5A3"']], finds => "AUTH-UL-001" },
    { name => "another dialect declared", device => [['dialect = "sfm10r"', 'dialect = "at_slave"']], undecided => 1 },
    { name => "encryption declared, in clear on air", base => "encrypted", scenario => [[' --encrypt', '']],
        cases => ["ENC-001", "ENC-002", "AUTH-UL-001"], finds => "ENC-001" },
    { name => "encryption not declared", scenario => [option("--encrypt")], finds => "AUTH-UL-001" },
    { name => "one message a day declared", device => [['messages_per_day = 140', 'messages_per_day = 1']],
        cases => ["CNT-UL-010"],
        faults => ["LAW-FAR-AHEAD"], finds => "CNT-UL-010" },
    { name => "test modes not declared, but there", device => [features("KNOWNKEY", "DL", "EXTMEM", "FLEET")],
        cases => ["AUTH-UL-001", "AUTH-UL-007"] },
    { name => "downlinks not declared, but there", device => [features("KNOWNKEY", "TESTMODE", "EXTMEM", "FLEET")],
        cases => ["AUTH-UL-006"], finds => "AUTH-UL-006" },
    { name => "a unit with another key than declared",
        device => [['keys/foxdut2.key', "keys/foxdut3.key"]], cases => ["CLN-ID-001", "AUTH-DL-007"],
        complains => "CLN-ID-001" },
    { name => "restarts with a banner instead of sending four bytes",
        faults => ["REBOOT-SERIAL"], cases => ["AUTH-UL-001", "AUTH-UL-004"], undecided => 1 },
);

my ($foxbench, $pattern, @select) = @ARGV;
die "usage: campaign_lawful.pl FOXBENCH [PATTERN [SELECT...]]\n" if !$foxbench;
$foxbench = abs_path($foxbench);
my $bin      = dirname($foxbench);
my $fixtures = abs_path($ENV{FOXBENCH_ROOT} // dirname(abs_path($0)) . "/../..") . "/fixtures";
my $kept     = $ENV{FOX_LAWFUL_KEEP};
my $scratch  = $kept // tempdir("fox-lawful.XXXXXX", TMPDIR => 1, CLEANUP => 1);
# What the two variants differ in, and what differs between their dialects.
my %cases = (
    foxdut => ["AUTH-*", "CNT-*"],
    encrypted => ["ENC-*", "AUTH-DL-001", "AUTH-UL-004", "CNT-UL-004"],
    liar      => ["AUTH-UL-001", "AUTH-UL-005", "AUTH-DL-001"],
);

# Writes a changed copy; a change that changes nothing would make its row another one.
sub copy_of {
    my ($from, $to, @changes) = @_;
    open my $in, "<", $from or die "$from: $!\n";
    my @lines = <$in>;
    for my $change (@changes) {
        my ($what, $by) = @$change;
        my $n = 0;
        for my $line (@lines) {
            my $one = $by;
            next if $line !~ /$what/;
            my $first = $1;
            $one =~ s/\$1/$first/g if defined $first;
            $line =~ s/$what/$one/;
            $n++;
        }
        die "$from has no line like $what\n" if !$n;
    }
    open my $out, ">", $to or die "$to: $!\n";
    print $out @lines;
    close $out or die "$to: $!\n";
    return $to;
}

sub events_in {
    my ($path) = @_;
    open my $f, "<", $path or return;
    return map { decode_json($_) } <$f>;
}

# Runs a row; its verdicts, by case, and what the bench said.
sub run_row {
    my ($row, $dir) = @_;
    my $base = $row->{base} // "foxdut";
    mkdir $dir or die "$dir: $!\n";
    my $device = copy_of("$fixtures/devices/$base.lua", "$dir/device.lua",
        @{$row->{device} // []}, ['file:\.\./keys', "file:$fixtures/keys"]);
    my $scenario = copy_of("$fixtures/scenarios/" . ($base eq "foxdut" ? "default" : $base) . ".scenario",
        "$dir/own.scenario", @{$row->{scenario} // []});
    my $bench = copy_of("$fixtures/benches/virtual.lua", "$dir/bench.lua", @{$row->{bench} // []});
    if ($row->{nvm}) {
        my $modulus = join " ", map { $_->[1] } grep { $_->[1] =~ /rollover/ } @{$row->{scenario} // []};
        open my $out, ">>", $scenario or die "$scenario: $!\n";
        print $out `$bin/foxdut --print-nvm dut1,$row->{nvm}`;
        close $out or die "$scenario: $!\n";
    }
    my $faults = join " ", map { "--fault $_" } @{$row->{faults} // []};
    my @cases  = @select ? @select : @{$row->{cases} // $cases{$row->{lies} ? "liar" : $base}};
    local $ENV{FOXBENCH_PDF} = "off";
    my $began = time;
    my $code  = system "$bin/foxlab run --seed 1 $faults $scenario -- $foxbench run --seed 1 --profile smoke"
        . " --bench $bench --device $device -o $dir/runs @{[map { \"'$_'\" } @cases]} >$dir/tap 2>$dir/err";
    my (%verdict, %reason, %blame);
    for my $e (events_in("$dir/runs/latest/events.jsonl")) {
        next if $e->{type} ne "case.end";
        $verdict{$e->{case}} = $e->{verdict};
        $blame{$e->{case}}   = $e->{blame};
        $reason{$e->{case}}  = $e->{reason};
    }
    open my $err, "<:encoding(UTF-8)", "$dir/err" or die "$dir/err: $!\n";
    return {
        verdict => \%verdict, blame => \%blame, reason => \%reason, said => join("", <$err>), code => $code >> 8,
        s => time - $began,
    };
}

sub count {
    my ($got, $which) = @_;
    return scalar grep { $_ eq $which } values %{$got->{verdict}};
}

# What is wrong with a row's outcome, or nothing.
sub wrong_with {
    my ($row, $got, $honest) = @_;
    my %n = map { ($_ => count($got, $_)) } qw(pass fail inconclusive error);
    # What a bench does not have is told; and a device that keeps to a duty cycle stops before a long case is over.
    return if $row->{lacks} && $n{pass} > 0 && $n{fail} == 0
        && !grep { $got->{verdict}{$_} eq "error" && $got->{blame}{$_} ne "config" } keys %{$got->{verdict}};
    return "an error of the bench" if $n{error} > 0;
    if ($row->{refused}) { return $got->{code} == 4 && $got->{said} =~ /$row->{refused}/s ? () : "not refused" }
    return "nothing was run" if !%{$got->{verdict}};
    my @blamed = grep { $got->{verdict}{$_} eq "fail" && $got->{blame}{$_} eq "device" } keys %{$got->{verdict}};
    if ($row->{finds}) { return (grep { /^$row->{finds}/ } @blamed) ? () : "not found" }
    my $judged = $row->{complains} // "";
    return if $judged && $got->{blame}{$judged} eq "config" && $n{fail} == 0;
    return "no complaint" if $judged;
    return "something passed" if $row->{undecided} && $n{pass} > 0;
    return if $row->{undecided};
    return "$n{fail} failed" if $n{fail} > 0;
    return "$n{inconclusive} undecided" if $n{inconclusive} > 0;
    return $n{pass} == 0 ? "nothing passed" : ();
}

my ($rows, $bad) = (0, 0);
printf "%-76s %5s %4s %6s %5s %4s %6s\n", "device", "pass", "na", "undec.", "fail", "err.", "wall_s";
$| = 1;
binmode STDOUT, ":encoding(UTF-8)";
$_->{lies} = 1 for @liars;
for my $row (@lawful, @liars) {
    my @bases = $row->{base} || grep({ $_->[0] =~ /dialect|foxdut/ } @{$row->{device} // []}) ? $row->{base} // "foxdut"
        : $row->{lies} ? "foxdut" : ("foxdut", "encrypted");
    for my $base (@bases) {
        next if defined $pattern && "$row->{name} ($base)" !~ /$pattern/;
        my $got   = run_row({%$row, base => $base}, sprintf("%s/%02d", $scratch, $rows));
        my @wrong = wrong_with($row, $got);
        $rows++;
        $bad++ if @wrong;
        printf "%-76s %5d %4d %6d %5d %4d %6d%s\n", "$row->{name} ($base)",
            map({ count($got, $_) } qw(pass na inconclusive fail error)), $got->{s}, @wrong ? "  WRONG: @wrong" : "";
        for my $case (sort keys %{$got->{verdict}}) {
            next if $got->{verdict}{$case} =~ /^(pass|na)$/;
            print "    $case: $got->{verdict}{$case} ($got->{blame}{$case}): ", $got->{reason}{$case} // "", "\n";
        }
        print "    ", (split /\n/, $got->{said})[-1] // "", "\n" if !%{$got->{verdict}};
    }
}
print "$rows devices, $bad not as they should be\n";
exit($bad ? 1 : 0);

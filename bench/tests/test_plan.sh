#!/bin/sh
# What foxbench plan prints is what run does: parts whose union is the whole, expressions, holes, what does not apply,
# and times that come from the runs of the folder. TAP.
set -u
. "$(dirname "$0")/common.sh"
FOXBENCH_PDF=off
export FOXBENCH_PDF

# ask CODE: Perl over the JSON of the last plan, in $p; what it prints, or a true value.
ask() { perl -MJSON::PP -0777 -e 'my $p = decode_json(<STDIN>); '"$1" <out; }
names='join("\n", map { "$_->{id}/$_->{axes}" } @{$p->{cases}}), "\n"'

fox plan --profile high --json
check "a level without a page is planned: exit 0" exits 0
ask "print $names" >whole
check "with every case there is" test "$(wc -l <whole)" -gt 18
check "each with every field of list --json, and an estimate" ask '
    my @lack = grep { my $c = $_; grep { !exists $c->{$_} } qw(id suite title threat severity level profiles needs
        safety covers faults deadline_s for_each watches minimum axes estimate page) } @{$p->{cases}};
    exit(@lack ? 1 : 0)'
check "nothing ran here, so all times are guesses" ask '
    exit(grep { $_->{estimate}{from} ne "guess" && !$_->{na} } @{$p->{cases}})'
check "holes are tests of the catalogue that no case has" ask '
    my %have = map { $_->{id} => 1 } @{$p->{cases}};
    exit(!@{$p->{holes}} || grep { $have{$_->{id}} || !$_->{title} || !$_->{severity} } @{$p->{holes}})'
holes=$(ask 'print scalar @{$p->{holes}}')
cases=$(ask 'my %c = map { $_->{id} => 1 } @{$p->{cases}}; print scalar keys %c')
tests=$(grep -c '{ id = "' "$root/reports/mappings/catalogue.lua")
check "cases and holes are the whole catalogue at the highest level" test $((holes + cases)) -eq "$tests"

for i in 1 2 3; do
    fox plan --profile high --json --shard $i/3
    ask "print $names" >part$i
done
sort part1 part2 part3 >parts
sort whole >sorted
check "three parts: each case once, all of them" cmp parts sorted
check "none is empty" sh -c 'test -s part1 && test -s part2 && test -s part3'
fox plan AUTH-UL-001 --shard 2/2
check "an empty part: exit 5" exits 5

fox plan -i 'AUTH and critical' -e 'needs:DL or id:AUTH-UL-003' --json
check "an expression" ask 'exit(!@{$p->{cases}} || grep { $_->{severity} ne "critical" || $_->{suite} ne "AUTH"
    || $_->{id} eq "AUTH-UL-003" || grep { $_ eq "DL" } @{$_->{needs}} } @{$p->{cases}})'
fox plan -i 'critcal'
check "an unknown tag: exit 4" exits 4
check "and the nearest" grep -q "unknown tag 'critcal', the nearest is critical" err
fox plan AUTH-UL-01
check "an unknown case: the nearest" grep -q "unknown case 'AUTH-UL-01'; .*; the nearest is AUTH-UL-0" err

fox plan ENC-001
check "nothing applies: exit 5" exits 5
check "with the reason" grep -q '^  ENC-001: not applicable: the device file does not declare the feature ENC' out
check "no instrument was opened, no folder made" test ! -e results

# A run makes history: of the same plan, and less certain of another one.
own_root
cat >own/suites/mine/MINE-001.lua <<'END'
local suite <const> = require("cert").suite { id = "MINE", title = "The shortest cases" }
for i = 1, 2 do
  suite:case {
    id = "MINE-00" .. i, title = "a request is accepted", threat = "None.", severity = "low", level = "basic",
    needs = { "serial", "power" }, safety = i == 1 and "D" or "S0", covers = { "WP:A7" }, faults = {}, deadline_s = 30,
    run = function(t) t:expect("request", t.dut:send "\xca\xfe"):exists() end,
  }
end
return suite
END
fox run MINE-001 --shard 1/1 -e id:MINE-002
check "a part of a run, with expressions" exits 0
check "run.json says what was asked" perl -MJSON::PP -0777 -e '
    my $r = decode_json(<>);
    exit !("@{$r->{shard}}" eq "1 1" && $r->{exclude} eq "id:MINE-002" && !exists $r->{include})' \
    results/latest/run.json
fox plan MINE --json
check "what cannot be undone comes last" ask 'exit !("$p->{cases}[0]{id} $p->{cases}[1]{id}" eq "MINE-002 MINE-001")'
check "its time is known, the other one's is a guess" ask '
    my ($guess, $known) = map { $_->{estimate} } @{$p->{cases}};
    exit !($known->{from} eq "history" && $known->{wall_s} > 0 && $known->{bench_s} > 1 && $guess->{from} eq "guess")'
fox plan MINE-001 --profile basic --json
check "under another profile it is marked" ask 'exit !($p->{cases}[0]{estimate}{from} eq "similar")'
fox resume results/latest
check "resume takes the expressions along" exits 0
fox rerun results/latest
check "so does rerun" exits 0
finish

std = "lua54"
allow_defined = false
max_line_length = 120

-- Files that are data: their sandbox gives them these and nothing else.
files["fixtures/benches"].read_globals = { "syntax", "env" }
files["fixtures/devices"].read_globals = { "syntax", "env" }
files["fixtures/limits"].read_globals = { "syntax", "env" }
files["dut/port/tests"].read_globals = { "syntax", "env" }
files["reports/mappings"].read_globals = { "syntax" }

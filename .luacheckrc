std = "lua54"
allow_defined = false
max_line_length = 120

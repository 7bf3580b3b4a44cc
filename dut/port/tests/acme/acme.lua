-- The foreign device of acme.scenario. Its identity and key are made up.
syntax(1)

return {
  name = "acme",
  make = "ACME",
  model = "end-point library 1.0",
  id = "0ACE0001",
  pac = "0000000000000000",
  key = "file:acme.key",
  modulus = 4096,
  messages_per_day = 140,
  zone = "RC1",
  dialect = "sfm10r",
  features = { "KNOWNKEY", "DL" },
  limits = "report-only",
}

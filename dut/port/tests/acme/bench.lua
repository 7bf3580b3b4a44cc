-- One station and the device's serial line, whose RTS is its power.
syntax(1)

return {
  name = "acme",
  virtual = true,
  radios = {
    {
      unit = "station1",
      uri = env "FOXLAB_PLUTO_0_URI",
      rate_hz = 520834,
      lo_hz = 868015000,
      gain_db = 50,
      path = "conducted",
      attenuation_db = 116,
      transmit = true,
      downlink_dbm = 7,
    },
  },
  rf = { { from = "station1", to = "dut1", kind = "conducted", attenuation_db = 116 } },
  permit = { bands = { { low_hz = 869300000, high_hz = 869750000, max_dbm = 7 } } },
  uarts = { { unit = "dut1", path = env "FOXLAB_UART_0", baud = 9600 } },
  power = { uart = "dut1", line = "rts", discharge_s = 0.5 },
  reset = { uart = "dut1", line = "dtr" },
}

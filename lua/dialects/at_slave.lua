-- The AT dialect of ST's AT_Slave application: STM32WL, the Murata CMWX1ZZABZ with X-CUBE-SFOX, SeongJi LSM1x0A.
-- Sources: the application's published code and public host libraries; what has no public source is marked `assumed`.
-- Data only.
return {
  name = "at_slave",
  baud = 9600,
  line_end = "\r",
  echo = true, -- until ATE=0
  ok = "OK",
  errors = {
    "AT_ERROR", "AT_PARAM_ERROR", "AT_BUSY_ERROR", "AT_TEST_PARAM_OVERFLOW", "AT_LIB_ERROR", "AT_TX_TIMEOUT",
    "AT_RX_TIMEOUT", "AT_RX_ERROR", "AT_RECONF_ERROR",
  },
  downlink = "+RX=",
  downlink_raw = 8, -- the published code prints them as they are; other firmwares print digits
  downlink_at = "before",
  no_downlink = "AT_RX_TIMEOUT",

  boot_s = 10, -- assumed: time from power to the first answer
  within_s = 6, -- assumed: local commands
  send_within_s = 15, -- assumed: one message at 100 bit/s
  downlink_within_s = 60, -- assumed

  ping = "AT$ID",
  identity = { id = "AT$ID", pac = "AT$PAC", firmware = "AT+VER" },
  identity_answer = "end",
  soft_reset = "ATZ", -- has no answer

  questions = { "AT$ID", "AT$PAC", "AT+VER", "AT+BAT=?", "ATS410=?", "ATS411=?" },
  measurements = { "AT+BAT=?" },
  acting = {
    "AT$SB", "AT$SF", "AT$SH", "AT$CW", "AT$PN", "AT$MN", "AT$TM", "AT$RFS", "AT$RC", "AT$RSSICAL", "ATZ", "ATS3",
    "ATS4", "ATE", "AT+VL", "AT$CNT", "AT$EK",
  },

  messages = {
    bit0 = { ask = "AT$SB=0", downlink = "AT$SB=0,1" },
    bit1 = { ask = "AT$SB=1", downlink = "AT$SB=1,1" },
    bytes = { ask = "AT$SF=%s", downlink = "AT$SF=%s,1" },
    keep_alive = { ask = "ATS300" },
  },

  once = { ask = "AT$SB=0,0,0" }, -- assumed: what follows the flag is how often the frame is repeated
  commands = {
    resets = { "ATZ" },
    erases = { "AT$RFS" },
    key_public = { "ATS410=1" },
    encryption_off = { "ATS411=0" },
    zones = { "AT$RC=2", "AT$RC=4", "AT$RC=1" }, -- the last one as the device file's
  },

  extensions = {
    test_mode_j = { ask = "AT$TM=1,1", within_s = 400, period_s = 18 }, -- in zone RC1
    factory_reset = { ask = "AT$RFS", within_s = 10 },
    -- With the lab-enable line high alone.
    counter_preset = { ask = "AT$CNT=%d", within_s = 10 },
    encryption_key = { erase = "AT$EK=0", write = "AT$EK=1", within_s = 10 },
  },
}

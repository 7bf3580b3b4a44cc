-- The AT dialect of the SFM10R family (Wisol modules with the ONSEMI AX-SFEU command set). docs/PROTOCOL sources: the
-- ONSEMI data sheet pages and public host drivers; what has no public source is marked `assumed`. Data only.
return {
  name = "sfm10r",
  baud = 9600,
  line_end = "\r",
  echo = false,
  ok = "OK",
  errors = { "ERROR", "ERR_" },
  downlink = "RX=",
  no_downlink = "ERR_SFX_ERR_SEND_FRAME_WAIT_TIMEOUT", -- sent, but nothing came in the window

  boot_s = 10, -- assumed: time from power to the first answer
  within_s = 6, -- assumed: local commands
  send_within_s = 15, -- assumed: one message at 100 bit/s
  downlink_within_s = 60,

  ping = "AT",
  identity = { id = "AT$I=10", pac = "AT$I=11", firmware = "AT$I=0" },
  soft_reset = "AT$P=0",

  -- What only asks, and how lines begin that do something: for cases that type at random.
  questions = {
    "AT", "AT$I=0", "AT$I=1", "AT$I=7", "AT$I=10", "AT$I=11", "AT$V?", "AT$T?", "AT$IF?", "AT$DR?", "AT$GI?", "AT$TR?",
    "AT$TR=?", "ATS300?", "ATS300=?", "ATS302?", "ATS302=?", "ATS410?", "ATS410=?",
  },
  measurements = { "AT$V?", "AT$T?" },
  acting = {
    "AT$SB", "AT$SF", "AT$SO", "AT$SR", "AT$SE", "AT$TM", "AT$P", "AT$WR", "AT$RFS", "AT$RC", "AT$CW", "AT$CB", "AT$RL",
    "AT$CS", "AT$TR=", "AT$IF=", "AT$DR=", "ATS3", "ATS4", "ATZ",
  },

  -- How a message of each kind is asked for; %s is the payload in hexadecimal digits. A kind that is not listed
  -- cannot be asked for in this dialect.
  messages = {
    bit0 = { ask = "AT$SB=0", downlink = "AT$SB=0,1" },
    bit1 = { ask = "AT$SB=1", downlink = "AT$SB=1,1" },
    bytes = { ask = "AT$SF=%s", downlink = "AT$SF=%s,1" },
    keep_alive = { ask = "AT$SO" },
  },

  once = { before = "AT$TR=0", ask = "AT$SB=0", after = "AT$TR=2" },
  commands = {
    resets = { "AT$P=0" },
    erases = { "AT$RC" },
    saves = { "AT$WR" },
    key_public = { "ATS410=1" },
    encryption_off = { "ATS411=0" }, -- assumed: as in AT_Slave
  },

  -- Not part of the family: this project's reference device has them, other devices say so in their device file.
  extensions = {
    test_mode_j = { ask = "AT$TM=1,1", within_s = 400, period_s = 18 },
    factory_reset = { ask = "AT$RFS", within_s = 10 },
    -- With the lab-enable line high alone.
    counter_preset = { ask = "AT$CNT=%d", within_s = 10 },
    encryption_key = { erase = "AT$EK=0", write = "AT$EK=1", within_s = 10 },
  },
}

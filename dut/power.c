#include "dut/power.h"

#include <string.h>

int power_init(struct power *p, struct ftdi *ftdi, const char *relay, const char *reset,
               const char *lab_enable, struct err *err)
{
    *p = (struct power){
        .ftdi = ftdi, .has_reset = reset != NULL, .has_lab_enable = lab_enable != NULL};
    if (!relay)
        return err_set(err, ERR_USAGE,
                       "FTDI adapter %s: the bench file names no relay pin; expected for example "
                       "relay = \"AC0\"",
                       ftdi_serial(ftdi));
    int rc = ftdi_pin_parse(relay, &p->relay_pin, err);
    if (rc >= 0 && reset) rc = ftdi_pin_parse(reset, &p->reset_pin, err);
    if (rc >= 0 && lab_enable) rc = ftdi_pin_parse(lab_enable, &p->lab_enable_pin, err);
    if (rc < 0) return rc;
    if ((reset && p->reset_pin == p->relay_pin) ||
        (lab_enable && p->lab_enable_pin == p->relay_pin) ||
        (reset && lab_enable && p->reset_pin == p->lab_enable_pin))
        return err_set(err, ERR_USAGE,
                       "FTDI adapter %s: relay, reset and lab_enable need a pin each",
                       ftdi_serial(ftdi));
    if (reset) rc = ftdi_pin_set(ftdi, p->reset_pin, false, err);
    if (rc >= 0 && lab_enable) rc = ftdi_pin_set(ftdi, p->lab_enable_pin, false, err);
    return rc < 0 ? rc : power_off(p, err);
}

int power_add_ladder(struct power *p, const char *pin, struct err *err)
{
    int rc = ftdi_pin_parse(pin, &p->ladder_pin, err);
    if (rc < 0) return rc;
    if (p->ladder_pin == p->relay_pin || (p->has_reset && p->ladder_pin == p->reset_pin) ||
        (p->has_lab_enable && p->ladder_pin == p->lab_enable_pin))
        return err_set(err, ERR_USAGE,
                       "FTDI adapter %s: the supply's ladder needs a pin of its own, not %s",
                       ftdi_serial(p->ftdi), pin);
    p->has_ladder = true;
    return power_set_low(p, false, err);
}

int power_set_low(struct power *p, bool low, struct err *err)
{
    if (!p->has_ladder)
        return err_set(err, ERR_UNSUPPORTED,
                       "FTDI adapter %s: no ladder is wired that lowers the supply; name its pin "
                       "in the bench file (supply_low = \"AC7\")",
                       ftdi_serial(p->ftdi));
    return ftdi_pin_set(p->ftdi, p->ladder_pin, low, err);
}

int power_on(struct power *p, struct err *err)
{
    int rc = ftdi_pin_set(p->ftdi, p->relay_pin, true, err);
    if (rc >= 0) p->is_on = true;
    return rc;
}

int power_off(struct power *p, struct err *err)
{
    int rc = ftdi_pin_set(p->ftdi, p->relay_pin, false, err);
    if (rc >= 0) rc = ftdi_release(p->ftdi, err);
    if (rc >= 0) p->is_on = false;
    return rc;
}

int power_check_off(struct power *p, bool wired, struct err *err)
{
    const uint8_t read_id = 0x9f;
    uint8_t id[3];
    if (!wired) return ERR_OK;
    int rc = ftdi_spi_read(p->ftdi, &read_id, 1, id, sizeof id, NULL, NULL, err);
    if (rc >= 0) rc = ftdi_release(p->ftdi, err);
    if (rc < 0) return rc;
    if (memcmp(id, "\xff\xff\xff", 3) == 0 || memcmp(id, "\0\0\0", 3) == 0) return ERR_OK;
    return err_set(err, ERR_IO,
                   "FTDI adapter %s: the device is switched off, and its flash chip still answers "
                   "(%02X %02X %02X): the relay sticks, or another wire feeds the device",
                   ftdi_serial(p->ftdi), id[0], id[1], id[2]);
}

int power_reset(struct power *p, bool held, struct err *err)
{
    if (!p->has_reset)
        return err_set(err, ERR_UNSUPPORTED,
                       "FTDI adapter %s: no reset line is wired; name its pin in the bench file "
                       "(reset = \"AC1\")",
                       ftdi_serial(p->ftdi));
    int rc = ftdi_pin_set(p->ftdi, p->reset_pin, held, err);
    if (rc >= 0) p->is_held = held;
    return rc;
}

int power_lab_enable(struct power *p, bool level, struct err *err)
{
    if (!p->has_lab_enable)
        return err_set(err, ERR_UNSUPPORTED,
                       "FTDI adapter %s: no lab-enable line is wired; name its pin in the bench "
                       "file (lab_enable = \"AC2\")",
                       ftdi_serial(p->ftdi));
    return ftdi_pin_set(p->ftdi, p->lab_enable_pin, level, err);
}

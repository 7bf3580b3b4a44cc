// The thin file between a foreign library and the device port: each of its board functions is one
// call of the board-support template.
#include "acme_hal.h"

#include "dut/port/board_template.h"

static ACME_status_t status(int rc)
{
    return rc < 0 ? ACME_FAILED : ACME_OK;
}

void AcmeHal_GetId(acme_u8 id[4])
{
    board_read_id(id);
}

ACME_status_t AcmeHal_Aes128Cbc(acme_u8 *buffer, acme_u8 size)
{
    return status(board_aes_encrypt(buffer, size));
}

ACME_status_t AcmeHal_LoadNv(acme_u8 *record, acme_u8 size)
{
    return status(board_nvm_read(record, size));
}

ACME_status_t AcmeHal_StoreNv(const acme_u8 *record, acme_u8 size)
{
    return status(board_nvm_write(record, size));
}

void AcmeHal_TimerStart(ACME_timer_t which, acme_u32 ms)
{
    board_timer_start(which, ms);
}

void AcmeHal_TimerStop(ACME_timer_t which)
{
    board_timer_stop(which);
}

void AcmeHal_TimerWait(ACME_timer_t which)
{
    board_timer_wait(which);
}

void AcmeHal_GetVoltageTemperature(acme_u16 *idle_mv, acme_u16 *tx_mv, acme_s16 *tenth_degrees)
{
    board_measure(idle_mv, tx_mv, tenth_degrees);
}

acme_u32 AcmeHal_Rand(void)
{
    return board_random();
}

void AcmeRf_WakeUp(void)
{
    board_rf_wake();
}

void AcmeRf_Sleep(void)
{
    board_rf_sleep();
}

ACME_status_t AcmeRf_Init(const ACME_radio_cfg_t *cfg)
{
    return status(board_rf_init(cfg->hz, cfg->bps, cfg->eirp_dbm));
}

ACME_status_t AcmeRf_Send(const acme_u8 *stream, acme_u8 size)
{
    return status(board_rf_send(stream, size));
}

int AcmeRf_Receive(acme_u8 *content, acme_s16 *rssi)
{
    return board_rf_receive(ACME_TMR_WINDOW, content, rssi);
}

int AcmeRf_ChannelFree(acme_u32 bandwidth_hz, acme_s8 threshold_dbm, acme_u32 for_ms)
{
    return board_rf_carrier_sense(ACME_TMR_GUARD, bandwidth_hz, threshold_dbm, for_ms);
}

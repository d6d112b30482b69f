/* What a plan costs in energy and time on a kind of core: a model of a few
 * numbers, each from a data sheet, derived from one, or assumed, and each
 * replaceable by what was measured on the user's own board.
 *
 * The model: an instruction takes cycles (loads, multiply-accumulates and all
 * others on average), a cycle takes energy. Flash takes energy for each byte
 * that is erased and written, sleep takes power, a radio takes energy for each
 * byte. It tells orders of magnitude and which of two plans is cheaper; it does
 * not replace a measurement. */
#ifndef TP_COMPILER_ENERGY_H
#define TP_COMPILER_ENERGY_H

#include "compiler/diag.h"

typedef enum tp_radio {
    TP_RADIO_BLE,
    TP_RADIO_802154,
    TP_RADIO_LORAWAN,
    TP_RADIO_NBIOT,
    TP_RADIO_COUNT
} tp_radio;

/* All of it can be overridden: the key is the field's name, the radios are
 * "ble", "802154", "lorawan" and "nbiot". */
typedef struct tp_energy {
    double mhz;
    double pj_cycle;     /* pJ: uA/MHz * V */
    double cycles_mac;   /* of a multiply-accumulate, without its loads */
    double cycles_load;  /* of a load */
    double cycles_other; /* of any other instruction, on average */
    double loads_mac;    /* loads for each multiply-accumulate */
    double instructions; /* executed, for each one of a Cortex-M4 */
    double nj_write;     /* of a byte of flash that is written */
    double nj_erase;     /* of a byte of flash that is erased */
    double page;         /* bytes that are erased together */
    double mw_sleep;     /* with RAM retained */
    double radio[TP_RADIO_COUNT]; /* uJ for each byte of payload */
} tp_energy;

/* One target and where its numbers are from. */
typedef struct tp_energy_target {
    const char *name; /* "cortex-m4" */
    const char *part; /* whose data sheet */
    tp_energy energy;
    const char *source;
} tp_energy_target;

#define TP_N_ENERGY_TARGETS 7
extern const tp_energy_target tp_energy_targets[TP_N_ENERGY_TARGETS];
extern const char *const tp_radio_names[TP_RADIO_COUNT];
extern const char *const tp_radio_sources[TP_RADIO_COUNT];

/* The target of that name; NULL: there is none. */
const tp_energy_target *tp_energy_find(const char *name);

/* Applies "key=value,key=value". TP_ERR_ARGUMENT: the message names the keys
 * that exist. */
TP_MUST_CHECK tp_status tp_energy_override(tp_energy *energy, const char *list,
                                           tp_diag *diag);

/* What runs once: instructions of a Cortex-M4, and how many of them are
 * multiply-accumulates. */
typedef struct tp_work {
    double instructions;
    double macs;
} tp_work;

double tp_energy_cycles(const tp_energy *energy, tp_work work);
double tp_energy_uj(const tp_energy *energy, tp_work work);
double tp_energy_ms(const tp_energy *energy, tp_work work);

/* An adaptation: what training reads of the samples is kept, `updates` updates,
 * then the blob is stored. */
typedef struct tp_adaptation {
    tp_work keep; /* of one sample; 0: it is kept as it is */
    tp_work update;
    double updates;
    double blob_bytes;
    double samples;      /* that are learned from */
    double sample_bytes; /* of one, as it would be sent */
} tp_adaptation;

typedef struct tp_energy_result {
    double store_uj; /* the blob to flash */
    double adapt_mj; /* the keeping, all updates and the storing */
    double adapt_s;
    double asleep_day_mj;           /* a day of sleep, to compare with */
    double send_mj[TP_RADIO_COUNT]; /* all samples, once */
    /* Samples whose sending takes as much energy as the adaptation: above, to
     * adapt on the device is cheaper. */
    double break_even[TP_RADIO_COUNT];
} tp_energy_result;

tp_energy_result tp_energy_adapt(const tp_energy *energy,
                                 const tp_adaptation *adaptation);

#endif

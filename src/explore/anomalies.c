/* The table of them. */
#include "explore/anomalies.h"

extern const char
	anomaly_G0[],
	anomaly_G1a[],
	anomaly_G1b[],
	anomaly_G1c[],
	anomaly_OTV[],
	anomaly_PMP[],
	anomaly_PMP_write[],
	anomaly_P4[],
	anomaly_G_single[],
	anomaly_G_single_predicate[],
	anomaly_G_single_write[],
	anomaly_G2_item[],
	anomaly_G2[],
	anomaly_G2_two_edges[],
	anomaly_MAV_own_write[],
	anomaly_NRR_own_write[];

const struct anomaly anomalies[ANOMALIES] = {
	{"G0", anomaly_G0},
	{"G1a", anomaly_G1a},
	{"G1b", anomaly_G1b},
	{"G1c", anomaly_G1c},
	{"OTV", anomaly_OTV},
	{"PMP", anomaly_PMP},
	{"PMP-write", anomaly_PMP_write},
	{"P4", anomaly_P4},
	{"G-single", anomaly_G_single},
	{"G-single-predicate", anomaly_G_single_predicate},
	{"G-single-write", anomaly_G_single_write},
	{"G2-item", anomaly_G2_item},
	{"G2", anomaly_G2},
	{"G2-two-edges", anomaly_G2_two_edges},
	{"MAV-own-write", anomaly_MAV_own_write},
	{"NRR-own-write", anomaly_NRR_own_write},
};

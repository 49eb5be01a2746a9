/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Owns the constants of SM4's S-box in the field of AES.
 * Must not know: who computes with them. Read-only.
 * Specification: GB/T 32907-2016 section 6.2. SM4's field has another polynomial than
 * AES's; all fields of 256 elements are the same in another basis.
 */
#ifndef KTLSX_CRYPTO_SM4_BASIS_H
#define KTLSX_CRYPTO_SM4_BASIS_H

/*
 * The matrices are as the GFNI instructions take them, the row of bit i in byte 7 - i:
 * S(x) = POST (PRE x ^ PRE_CONST)^-1 ^ POST_CONST, the inverse being that of AES.
 *
 * Between rounds the GFNI ciphers keep y = PRE x ^ PRE_CONST of each byte x of the state:
 * then one affine inverse yields what a byte of the S-box's output gives to a byte of the
 * next word, in the same basis. With t of byte j, the first of the word being 0, one round
 * adds to byte j P_j ^ Q_(j+1) ^ Q_(j+2) ^ R_(j+3), where P = MP t^-1 ^ MP_CONST, R = MR
 * t^-1 ^ MR_CONST and Q = P ^ R.
 */
#define KTLSX_SM4_PRE 0x34ac259e022dbc52ull
#define KTLSX_SM4_PRE_CONST 0x65
#define KTLSX_SM4_POST 0xd72d8e511e6c8b19ull
#define KTLSX_SM4_POST_CONST 0xd3

#define KTLSX_SM4_MP 0xf46db3ed2dcffd28ull
#define KTLSX_SM4_MP_CONST 0x3a
#define KTLSX_SM4_MR 0xfcaabeec34efb4a1ull
#define KTLSX_SM4_MR_CONST 0x03
#define KTLSX_SM4_MQ (KTLSX_SM4_MP ^ KTLSX_SM4_MR)
#define KTLSX_SM4_MQ_CONST (KTLSX_SM4_MP_CONST ^ KTLSX_SM4_MR_CONST)

/* x = PRE_BACK y ^ PRE_BACK_CONST */
#define KTLSX_SM4_PRE_BACK 0x47101b244258d265ull
#define KTLSX_SM4_PRE_BACK_CONST 0x75

#endif

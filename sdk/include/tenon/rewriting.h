/* SPDX-License-Identifier: Apache-2.0
 * rewriting.h - how a pass tells the host about its single rewrites, so that the host can stop it after the first N of them and say which
 * one changed what the model computes (`host bisect`). Optional on both sides: without it a pass is judged as a whole.
 *
 *   if (api->counted(c))                                 once, when the pass begins; 0 = make no other call
 *     for each place where a rewrite may be made:
 *       if (!api->may_rewrite(c, g, root, rule)) stop;   the pass returns as if nothing more matched
 *       if (rewrite made) api->rewritten(c);
 *
 * A rewrite is the smallest change after which the graph is whole again. Pieces of one pass (several worklists, several walks) share one
 * count. The order of the rewrites must depend on the graph alone.                                                           */
#ifndef TENON_REWRITING_H
#define TENON_REWRITING_H
#include "abi.h"
#ifdef __cplusplus
extern "C" {
#endif

#define TENON_IID_REWRITING "tenon.rewriting/1"
typedef struct tenon_rewriting_api { /* SIZED, host-owned; all [graph], with the context that the pass was called with */
  uint32_t struct_size, reserved;
  /* 1 = the host counts the rewrites of this call; 0 = it does not, and stays so until the pass returns */
  TENON_FN(int32_t, counted, (tenon_ctx* c));
  /* Asked before a rewrite is tried at root; whether one is made then is the pass's affair. root 0 = no single node. rule: which of the
   * pass's rules, for people, may be empty; both strings and ids are borrowed for the call. 0 = no more rewrites */
  TENON_FN(int32_t, may_rewrite, (tenon_ctx* c, tenon_graph* g, tenon_node root, tenon_str rule));
  /* The rewrite asked for last was made */
  TENON_FN(void, rewritten, (tenon_ctx* c));
} tenon_rewriting_api;

#ifdef __cplusplus
} /* extern "C" */
#endif
#endif /* TENON_REWRITING_H */

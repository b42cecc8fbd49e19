/* The functions that Go exports get names of their own, so that those of the
 * header are free for entries.c. Included before anchorvk.h, so that its
 * prototypes hold for them. */
#ifndef ANCHORVK_GO_NAMES_H
#define ANCHORVK_GO_NAMES_H

#ifndef _WIN32 /* which has no fork, and needs no entries.c */
#define avk_buffer_borrow go_avk_buffer_borrow
#define avk_buffer_close go_avk_buffer_close
#define avk_buffer_create go_avk_buffer_create
#define avk_buffer_download go_avk_buffer_download
#define avk_buffer_upload go_avk_buffer_upload
#define avk_call_cancel go_avk_call_cancel
#define avk_call_close go_avk_call_close
#define avk_call_create go_avk_call_create
#define avk_call_pace go_avk_call_pace
#define avk_call_prepare go_avk_call_prepare
#define avk_call_record go_avk_call_record
#define avk_call_recorded go_avk_call_recorded
#define avk_call_run go_avk_call_run
#define avk_call_start go_avk_call_start
#define avk_call_submit go_avk_call_submit
#define avk_call_submitted go_avk_call_submitted
#define avk_call_wait go_avk_call_wait
#define avk_call_warnings go_avk_call_warnings
#define avk_check_abi go_avk_check_abi
#define avk_device_adopt go_avk_device_adopt
#define avk_device_close go_avk_device_close
#define avk_device_list go_avk_device_list
#define avk_device_open go_avk_device_open
#define avk_device_report go_avk_device_report
#define avk_engine_close go_avk_engine_close
#define avk_engine_create go_avk_engine_create
#define avk_engine_tune go_avk_engine_tune
#define avk_engine_tuned go_avk_engine_tuned
#define avk_engine_warmup go_avk_engine_warmup
#define avk_plan_close go_avk_plan_close
#define avk_plan_create go_avk_plan_create
#define avk_plan_defaults go_avk_plan_defaults
#define avk_plan_memory go_avk_plan_memory
#define avk_plan_preset go_avk_plan_preset
#define avk_plan_text go_avk_plan_text
#define avk_profile_apply go_avk_profile_apply
#define avk_profile_check go_avk_profile_check
#define avk_profile_close go_avk_profile_close
#define avk_profile_open go_avk_profile_open
#define avk_profile_parse go_avk_profile_parse
#define avk_profile_text go_avk_profile_text
#define avk_scratch_close go_avk_scratch_close
#define avk_scratch_create go_avk_scratch_create
#define avk_version go_avk_version
#endif

#endif

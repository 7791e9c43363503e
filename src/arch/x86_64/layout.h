// Offsets and numbers that the assembly shares with C++. Each is written here once: the .S files include this file, and
// so does layout.cpp, which holds it to the structs.
#pragma once

// NOLINTBEGIN(modernize-macro-to-enum, bugprone-macro-parentheses): assembly has nothing else

// struct check_frame (growstack/detail/arch/x86_64.hpp), from rbp.
#define FRAME_BYTES 120
#define FRAME_CHECK_ADDRESS 8
#define FRAME_LIMIT -8
#define FRAME_ENTERED -16
#define FRAME_LOWERED_BY -16
#define FRAME_RAX -24 // below it rdi, rsi, rdx, rcx, r8, r9
#define FRAME_RDI -32
#define FRAME_RDX -48
#define FRAME_RBX -80 // below it r12, r13, r14, r15

#define STACK_READY 0
#define STACK_INNERMOST 8
#define STACK_LINKS 16
#define STACK_MEMORY 24
#define STACK_LIMIT 48
#define STACK_CONTEXT 56
#define STACK_SIZES 88
#define SIZES_NON_SPLIT 48

#define CHUNK_OLDER 0
#define CHUNK_OWNER 8
#define CHUNK_LIMIT 16
#define CHUNK_FROM 24
#define CHUNK_MEMORY 32
#define CHUNK_KEPT 48

#define SAVED_X87 512 // in vectors_saved
#define SAVED_HAS_X87 620

#define THREAD_RUNNING 0
#define THREAD_ROOT 8
#define THREAD_ROOT_SP 64 // root.context

#define LIMIT_IN_TRANSITION -2

// growstack/detail/config.hpp
#define ROOM_BYTES 0xf000   // the growth room and the spare
#define SLACK_BYTES 0x10000 // a power of two
#define LARGEST_WITHOUT_SLACK_BYTES 0x20000

// NOLINTEND(modernize-macro-to-enum, bugprone-macro-parentheses)

// Holds the assembly's offsets to the structs.
#include "arch/x86_64/layout.h"

#include <growstack/detail/thread.hpp>

#include <type_traits>

namespace growstack::grow {

static_assert(offsetof(check_frame, rbp) == FRAME_BYTES);
static_assert(offsetof(check_frame, check_address) == FRAME_BYTES + FRAME_CHECK_ADDRESS);
static_assert(offsetof(check_frame, limit) == FRAME_BYTES + FRAME_LIMIT);
static_assert(offsetof(check_frame, entered) == FRAME_BYTES + FRAME_ENTERED);
static_assert(offsetof(check_frame, lowered_by) == FRAME_BYTES + FRAME_LOWERED_BY);
static_assert(offsetof(check_frame, rax) == FRAME_BYTES + FRAME_RAX);
static_assert(offsetof(check_frame, rdi) == FRAME_BYTES + FRAME_RDI);
static_assert(offsetof(check_frame, rdx) == FRAME_BYTES + FRAME_RDX);
static_assert(offsetof(check_frame, rbx) == FRAME_BYTES + FRAME_RBX);

static_assert(std::is_standard_layout_v<stack> && std::is_standard_layout_v<chunk>);
static_assert(offsetof(stack, ready) == STACK_READY);
static_assert(offsetof(stack, innermost_chunk) == STACK_INNERMOST);
static_assert(offsetof(stack, chunks_linked) == STACK_LINKS);
static_assert(offsetof(stack, memory) == STACK_MEMORY);
static_assert(offsetof(stack, limit) == STACK_LIMIT);
static_assert(offsetof(stack, context) == STACK_CONTEXT);
static_assert(offsetof(stack, sizes) == STACK_SIZES);
static_assert(offsetof(stack_sizes, non_split_bytes) == SIZES_NON_SPLIT);

static_assert(offsetof(chunk, older) == CHUNK_OLDER);
static_assert(offsetof(chunk, owner) == CHUNK_OWNER);
static_assert(offsetof(chunk, limit) == CHUNK_LIMIT);
static_assert(offsetof(chunk, entered_from) == CHUNK_FROM);
static_assert(offsetof(chunk, memory) == CHUNK_MEMORY);
static_assert(offsetof(chunk, is_kept) == CHUNK_KEPT);

static_assert(offsetof(detail::vectors_saved, x87) == SAVED_X87);
static_assert(offsetof(detail::vectors_saved, has_x87) == SAVED_HAS_X87);

static_assert(offsetof(thread_state, running) == THREAD_RUNNING);
static_assert(offsetof(thread_state, root) == THREAD_ROOT);
static_assert(offsetof(thread_state, root) + offsetof(stack, context) == THREAD_ROOT_SP);

static_assert(detail::limit_in_transition == static_cast<std::uintptr_t>(LIMIT_IN_TRANSITION));
static_assert(detail::largest_room_bytes + detail::spare_bytes == ROOM_BYTES);
static_assert(detail::slack_bytes == SLACK_BYTES);
static_assert(detail::largest_without_slack_bytes == LARGEST_WITHOUT_SLACK_BYTES);

} // namespace growstack::grow

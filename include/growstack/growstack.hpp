// All of growstack. Link the library; compile with -fsplit-stack (and link without it) to have a check in every
// function.
#pragma once

#include <growstack/audit.hpp>
#include <growstack/call.hpp>
#include <growstack/contiguous_stack.hpp>
#include <growstack/coroutine.hpp>
#include <growstack/errors.hpp>
#include <growstack/fixed_stack.hpp>
#include <growstack/generator.hpp>
#include <growstack/native.hpp>
#include <growstack/pin.hpp>
#include <growstack/reserved_stack.hpp>
#include <growstack/root.hpp>
#include <growstack/segmented_stack.hpp>
#include <growstack/signals.hpp>
#include <growstack/stack_options.hpp>
#include <growstack/stats.hpp>
#include <growstack/stress.hpp>
#include <growstack/this_coroutine.hpp>
#include <growstack/trace.hpp>
#include <growstack/trim.hpp>

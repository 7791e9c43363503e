// All of growstack. Link the library; compile with -fsplit-stack (and link without it) to have a check in every
// function.
#pragma once

#include <growstack/audit.hpp>
#include <growstack/call.hpp>
#include <growstack/generator.hpp>
#include <growstack/native.hpp>
#include <growstack/pin.hpp>
#include <growstack/root.hpp>
#include <growstack/signals.hpp>
#include <growstack/stress.hpp>
#include <growstack/trace.hpp>
#include <growstack/trim.hpp>

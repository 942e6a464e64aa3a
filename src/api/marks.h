// How real a public function is, told where it is defined: it stands in a section of its own, which the table of the
// interface (docs/api.md) and BELAY_REPORT read from the libraries. A function without a mark does its work.
#pragma once

// Refuses with a status and the reason, whatever its arguments.
#define BELAY_REFUSES __attribute__((section("belay_refuses")))
// Accepts good arguments, and nothing changes: what it sets or asks for means nothing on a CPU.
#define BELAY_NO_EFFECT __attribute__((section("belay_no_effect")))

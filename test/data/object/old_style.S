# Functions as LLVM wrote them before version 12: symbols without type and size; and one label inside.
	.section	xdp_old, "ax", @progbits
	.globl	old_first
old_first:
	r0 = 1
	if r1 == 0 goto LBB0_2
	r0 = 2
LBB0_2:
	exit
	.globl	old_second
old_second:
	r0 = 3
	exit

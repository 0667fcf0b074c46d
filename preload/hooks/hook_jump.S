/* Wrappers of functions that C code cannot wrap: vfork (the child returns through the caller's frame while the parent waits),
 * and clone and syscall, which take arguments by convention rather than by type.
 *
 * clone and syscall ask with their arguments unchanged; a call that copies the address space, or confines the process, goes on to
 * hook_clone / hook_syscall, a futex (202) to hook_futex; any other jumps to the original with every register and the stack
 * as they came. */

	.hidden real_vfork_slot
	.hidden real_clone_slot
	.hidden real_syscall_slot
	.hidden hook_clone_is_fork
	.hidden hook_syscall_is_watched
	.hidden hook_clone
	.hidden hook_syscall
	.hidden hook_futex
	.hidden hook_vfork
	.hidden real_resolve

	.macro save_arguments
	.irp register, rdi, rsi, rdx, rcx, r8, r9, rax
	pushq %\register
	.cfi_adjust_cfa_offset 8
	.endr
	.endm

	.macro restore_arguments
	.irp register, rax, r9, r8, rcx, rdx, rsi, rdi
	popq %\register
	.cfi_adjust_cfa_offset -8
	.endr
	.endm

	/* To the original; before the table was resolved it is resolved first. */
	.macro jump_to slot
	movq \slot(%rip), %r11
	cmpq $0, (%r11)
	jne 3f
	save_arguments
	call real_resolve
	restore_arguments
	movq \slot(%rip), %r11
3:
	jmp *(%r11)
	.endm

	.macro function name
	.globl \name
	.type \name, @function
\name:
	.cfi_startproc
	endbr64
	.endm

	.macro end_function name
	.cfi_endproc
	.size \name, . - \name
	.endm

	/* The answer comes back in %al, which restore_arguments overwrites: kept in %r11. */
	.macro ask question
	save_arguments
	call \question
	movzbl %al, %r11d
	restore_arguments
	testb %r11b, %r11b
	.endm

	.text

	function clone
	ask hook_clone_is_fork
	jne hook_clone
	jump_to real_clone_slot
	end_function clone

	function syscall
	cmpl $202, %edi
	je hook_futex
	/* Whatever is not clone 56, fork 57, execve 59, seccomp 317, execveat 322, clone3 435 or landlock_restrict_self 446
	 * goes straight on. */
	cmpl $56, %edi
	je 1f
	cmpl $57, %edi
	je 1f
	cmpl $59, %edi
	je 1f
	cmpl $322, %edi
	je 1f
	cmpl $317, %edi
	je 1f
	cmpl $435, %edi
	je 1f
	cmpl $446, %edi
	jne 2f
1:
	ask hook_syscall_is_watched
	jne hook_syscall
2:
	jump_to real_syscall_slot
	end_function syscall

	/* Shares the parent's memory: nothing changes hands, so nothing is recorded but that it runs no handlers. */
	function vfork
	save_arguments
	call hook_vfork
	restore_arguments
	jump_to real_vfork_slot
	end_function vfork

	.section .note.GNU-stack, "", @progbits

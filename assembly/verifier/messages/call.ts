// Codes of the messages about helper and kfunc calls, references, locks, dynptrs and iterators (500..799); texts in src/verifier/messages/call.ts.

// Which calls are allowed.
export const MSG_INVALID_FUNC = 500;
export const MSG_HELPER_NOT_ALLOWED = 501;
export const MSG_GPL_ONLY = 502;
export const MSG_HELPER_MIGHT_SLEEP = 503;
export const MSG_SLEEPABLE_IN_RCU = 504;
export const MSG_SLEEPABLE_IN_PREEMPT = 505;
export const MSG_SLEEPABLE_IN_IRQ = 506;

// Arguments.
export const MSG_LEAKS_INTO_HELPER = 510;
export const MSG_HELPER_PACKET_ACCESS = 511;
export const MSG_ARG_TYPE = 512;
export const MSG_MAY_WRITE_BTF = 513;
export const MSG_POSSIBLY_NULL_HELPER = 514;
export const MSG_WRONG_STRUCT = 515;
export const MSG_RELEASE_OFFSET = 516;
export const MSG_NEGATIVE_OFFSET = 517;
export const MSG_MODIFIED_PTR = 518;
export const MSG_VARIABLE_PTR = 519;
export const MSG_NOT_REFERENCED = 520;
export const MSG_TWO_REFS = 521;
export const MSG_NO_MAP_FOR_KEY = 522;
export const MSG_NO_MAP_FOR_VALUE = 523;
export const MSG_NO_MAP_FOR_TYPE = 524;
export const MSG_SOCKMAP_ARG = 525;
export const MSG_SIZE_NEGATIVE = 526;
export const MSG_SIZE_ZERO = 527;
export const MSG_SIZE_UNBOUNDED = 528;
export const MSG_SIZE_NOT_CONST = 529;
export const MSG_MAP_UID_TIMER = 530;
export const MSG_STR_NOT_RDONLY = 531;
export const MSG_STR_NOT_CONST = 532;
export const MSG_STR_NO_DIRECT = 533;
export const MSG_STR_FAILED = 534;
export const MSG_STR_UNTERMINATED = 535;
export const MSG_FORMAT = 536;
export const MSG_PERCPU_BTF_ID = 537;

// Maps.
export const MSG_MAP_FUNC = 540;
export const MSG_MAP_WRITE_FORBIDDEN = 541;
export const MSG_TAIL_CALL_MAP = 542;
export const MSG_LOCAL_STORAGE_FLAGS = 543;
export const MSG_FOR_EACH_MAP = 544;

// References.
export const MSG_UNRELEASED = 550;
export const MSG_LEAK = 551;
export const MSG_LOCKED_REGION = 552;
export const MSG_IRQ_REGION = 553;
export const MSG_RCU_REGION = 554;
export const MSG_PREEMPT_REGION = 555;
export const MSG_NOT_ACQUIRED = 556;

// Locks, timers, kptrs: fields of map values and objects.
export const MSG_LOCK_OFFSET = 560;
export const MSG_LOCK_NO_BTF = 561;
export const MSG_LOCK_NONE_MAP = 562;
export const MSG_LOCK_NONE_KPTR = 563;
export const MSG_LOCK_AT = 564;
export const MSG_LOCK_TWO = 565;
export const MSG_LOCK_AGAIN = 566;
export const MSG_UNLOCK_NONE = 567;
export const MSG_UNLOCK_OTHER = 568;
export const MSG_UNLOCK_ORDER = 569;
export const MSG_LOCK_IN_CALLBACK = 570;
export const MSG_FIELD_OFFSET = 571;
export const MSG_FIELD_NO_BTF = 572;
export const MSG_FIELD_NONE = 573;
export const MSG_FIELD_AT = 574;
export const MSG_KPTR_NO_BTF = 575;
export const MSG_KPTR_OFFSET = 576;
export const MSG_KPTR_NONE = 577;
export const MSG_KPTR_AT = 578;
export const MSG_KPTR_UNREF = 579;
export const MSG_KPTR_TYPE = 580;

// Callbacks.
export const MSG_LOOP_LIMIT = 597;

// Dynptrs.
export const MSG_DYNPTR_STACK_OR_CONST = 610;
/** Any object on the stack: dynptrs, iterators, irq flags. */
export const MSG_OBJECT_VARIABLE = 611;
export const MSG_OBJECT_OFFSET = 612;
export const MSG_DYNPTR_UNINIT = 613;
export const MSG_DYNPTR_INIT = 614;
export const MSG_DYNPTR_TYPE = 615;
export const MSG_DYNPTR_MUTABLE = 616;
export const MSG_DYNPTR_UNACQUIRED = 617;
export const MSG_DYNPTR_RELEASE_CONST = 618;
export const MSG_DYNPTR_OVERWRITE_REF = 619;
export const MSG_DYNPTR_FROM_MEM = 620;

// Kfuncs.
export const MSG_KFUNC_NOT_ALLOWED = 640;
export const MSG_KFUNC_TRAP = 641;
export const MSG_KFUNC_DESTRUCTIVE = 642;
export const MSG_KFUNC_SLEEPABLE = 643;
export const MSG_KFUNC_NOT_SCALAR = 644;
export const MSG_KFUNC_NOT_CONST = 645;
export const MSG_KFUNC_SIZE_NOT_CONST = 646;
export const MSG_KFUNC_POSSIBLY_NULL = 647;
export const MSG_KFUNC_NOT_TRUSTED = 648;
export const MSG_KFUNC_NOT_RCU = 649;
export const MSG_KFUNC_NOT_CTX = 650;
export const MSG_KFUNC_DROP_ALLOC = 651;
export const MSG_KFUNC_DROP_PERCPU = 652;
export const MSG_KFUNC_NOT_ALLOC = 653;
export const MSG_KFUNC_ALLOC_REF = 654;
export const MSG_KFUNC_MAP_OR_ALLOC = 655;
export const MSG_KFUNC_RB_NODE = 656;
export const MSG_KFUNC_IN_TREE_CB = 657;
export const MSG_KFUNC_NOT_BTF_ID = 658;
export const MSG_KFUNC_WRONG_STRUCT = 659;
export const MSG_KFUNC_MEM_LEN = 660;
export const MSG_KFUNC_NOT_FUNC = 661;
export const MSG_KFUNC_NOT_OWNING = 662;
export const MSG_KFUNC_NO_REFCOUNT = 663;
export const MSG_KFUNC_NOT_STR = 664;
export const MSG_KFUNC_NOT_MAP_VALUE = 665;
export const MSG_KFUNC_NOT_IRQ_FLAG = 666;
export const MSG_KFUNC_NOT_LOCK = 667;
export const MSG_KFUNC_RELEASE_NOTHING = 668;
export const MSG_KFUNC_POINTER_TYPE = 669;
export const MSG_KFUNC_NOT_MAP = 670;
export const MSG_KFUNC_MAP_UID = 671;
export const MSG_KFUNC_ARG_UNSUPPORTED = 672;
export const MSG_KFUNC_NOT_ACQUIRED = 673;
export const MSG_KFUNC_CALLBACK = 674;
export const MSG_RCU_UNMATCHED = 675;
export const MSG_RCU_IN_TREE_CB = 676;
export const MSG_KFUNC_SLEEPABLE_RCU = 677;
export const MSG_PREEMPT_UNMATCHED = 678;
export const MSG_KFUNC_SLEEPABLE_PREEMPT = 679;
export const MSG_KFUNC_SLEEPABLE_IRQ = 680;
export const MSG_KFUNC_NEEDS_RCU = 681;
export const MSG_OBJ_NEW_RANGE = 682;
export const MSG_OBJ_NEW_NO_STRUCT = 683;
export const MSG_OBJ_NEW_PERCPU_SIZE = 684;
export const MSG_OBJ_NEW_PERCPU_PLAIN = 685;
export const MSG_OBJ_NEW_PERCPU_FIELDS = 686;
export const MSG_RDONLY_CAST_TYPE = 687;
export const MSG_SLICE_NO_WRITE = 688;
export const MSG_KFUNC_RET_POINTER = 689;
export const MSG_THROW_RANGE = 690;
export const MSG_THROW_NOT_SCALAR = 691;

// Lists and trees.
export const MSG_GRAPH_OFFSET = 700;
export const MSG_GRAPH_NOT_FOUND = 701;
export const MSG_GRAPH_OTHER_LOCK = 702;
export const MSG_GRAPH_NOT_LOCKED = 703;
export const MSG_GRAPH_STRUCT = 704;
export const MSG_GRAPH_NODE_OFFSET = 705;

// Iterators and irq flags.
export const MSG_ITER_NOT_STACK = 710;
export const MSG_ITER_UNINIT = 711;
export const MSG_ITER_INIT = 712;
export const MSG_ITER_RCU = 713;
export const MSG_IRQ_UNINIT = 714;
export const MSG_IRQ_INIT = 715;
export const MSG_IRQ_CLASS = 716;
export const MSG_IRQ_ORDER = 717;
export const MSG_KFUNC_DEVICE_BOUND = 718;
export const MSG_RCU_NESTED = 719;

// The types of a kernel that core-relo.c meets: the same names, other layouts.
enum color { BLACK = 5, RED = 6, GREEN = 7 };
enum color64 { ZERO64 = 0, HUGE64 = 0x7700000001ULL };

struct inner {
	long padding;
	int b;
	int a;
};

typedef struct {
	struct inner in;
	int wide;
} anon_t;

typedef int (*callback_t)(struct inner *in, int n);

struct outer {
	long newer;
	struct {
		struct inner in;
		union {
			long u2;
			char u1_was;
		};
	};
	struct inner list[8];
	unsigned int bits0 : 20;
	unsigned int bits1 : 3;
	unsigned int bits2 : 9;
	unsigned int signed_bits : 5;
	unsigned short shrunk;
	unsigned long grown;
	unsigned int changed_sign;
	void *ptr;
	int first;
	enum color color;
	callback_t cb;
	char name[8];
	struct inner *retyped;
	unsigned char flex[];
};

struct same {
	int extra;
	struct inner *p;
	unsigned long b;
	int a;
	int arr[3];
};

struct other_sizes {
	long a;
	long b;
};

struct loads {
	void *ptr;
	unsigned short shrunk;
	long was_signed;
	unsigned long grown;
	unsigned int big;
};

struct outer outer;
struct same same;
struct other_sizes other_sizes;
struct loads loads;
anon_t anon;
callback_t cb;
enum color color;
enum color64 color64;

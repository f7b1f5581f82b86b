// What libbpf makes of an object's relocations, CO-RE's against BTF ('' for the kernel's): core-oracle OBJECT BTF prints a JSON object, name of program -> its insns as hex.
#include <stdio.h>
#include <stdlib.h>

#include <bpf/libbpf.h>

static int quiet(enum libbpf_print_level level, const char *format, va_list args)
{
	return getenv("VERBOSE") ? vfprintf(stderr, format, args) : 0;
}

static void dump(const char *path, const char *btf, const char *name, int first)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .btf_custom_path = *btf ? btf : NULL);
	struct bpf_object *object = bpf_object__open_file(path, &opts);
	struct bpf_program *prog;

	bpf_object__for_each_program(prog, object)
		bpf_program__set_autoload(prog, !__builtin_strcmp(bpf_program__name(prog), name));
	// The kernel may refuse it; the relocations are done by then.
	bpf_object__load(object);
	prog = bpf_object__find_program_by_name(object, name);
	const unsigned char *bytes = (const unsigned char *)bpf_program__insns(prog);

	printf("%s  \"%s\": \"", first ? "" : ",\n", name);
	for (size_t i = 0; i < 8 * bpf_program__insn_cnt(prog); i++)
		printf("%02x", bytes[i]);
	printf("\"");
	bpf_object__close(object);
}

int main(int argc, char **argv)
{
	struct bpf_object *object;
	struct bpf_program *prog;
	int first = 1;

	libbpf_set_print(quiet);
	object = argc == 3 ? bpf_object__open_file(argv[1], NULL) : NULL;
	if (!object)
		return 1;
	printf("{\n");
	bpf_object__for_each_program(prog, object) {
		dump(argv[1], argv[2], bpf_program__name(prog), first);
		first = 0;
	}
	printf("\n}\n");
	return 0;
}

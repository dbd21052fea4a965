import { strict as assert } from "node:assert";
import { FixtureApp } from "../support/fixtureApp";

/** A NIF with a library of its own beside it, and programs and NIFs that this machine's loader cannot load. */
const BUILD = `
set -e
gcc() { command gcc -w "$@"; }
mkdir -p priv/bin && cd priv && t=$(mktemp -d)
echo 'int two(void) { return 2; }' > $t/grapes.c
gcc -shared -fPIC -Wl,-soname,libgrapes.so.1 -o libgrapes.so.1 $t/grapes.c && chmod 644 libgrapes.so.1
sed 's/litres += 2/litres += two()/; 1i int two(void);' ../c_src/nif.c > $t/nif.c
gcc -shared -fPIC -I"$1" -Wl,-rpath,'$ORIGIN' -o nif.so $t/nif.c ./libgrapes.so.1 -Wl,-rpath,'$ORIGIN'
# A back end that is optional, whose driver only some machines have.
gcc -shared -fPIC -Wl,-soname,libcuda.so.1 -o $t/libcuda.so.1 $t/grapes.c
gcc -shared -fPIC -o gpu.so $t/nif.c -I"$1" $t/libcuda.so.1 -Wl,--unresolved-symbols=ignore-all
# Programs for a different libc, by what they need and by their loader, and for a different CPU.
echo 'int two(void); int main(void) { return two(); }' > $t/main.c
gcc -shared -fPIC -Wl,-soname,libc.musl-x86_64.so.1 -o $t/libc.musl-x86_64.so.1 $t/grapes.c
gcc -o bin/press-musl $t/main.c $t/libc.musl-x86_64.so.1
gcc -o bin/alpine $t/main.c $t/grapes.c -Wl,--dynamic-linker=/lib/ld-musl-x86_64.so.1
cp bin/alpine bin/press-s390x && printf '\\026' | dd of=bin/press-s390x bs=1 seek=18 conv=notrunc 2> /dev/null
gcc -static -o bin/static $t/main.c $t/grapes.c && gcc -c -o main.o $t/main.c
`;

describe("the libraries of a release", function () {
    this.timeout(600_000);

    let app: FixtureApp;
    before(() => {
        app = new FixtureApp("c_nif", "press");
        app.write("c_src/build.sh", BUILD);
        app.replace(
            "mix.exs",
            "~w(-shared -fPIC -fopenmp -I#{headers} -o priv/nif.so c_src/nif.c)",
            '["c_src/build.sh", headers]',
        );
        app.replace("mix.exs", 'System.cmd("gcc"', 'System.cmd("sh"');
    });
    after(() => app.remove());

    it("are looked for where the loader would, and what is missing is refused with the setting that lets it pass", async () => {
        const said = await app.fail();
        const line = (file: string, library: string) =>
            `lib/press-1.0.0/priv/${file} loads ${library}, which the image does not have, and Debian knows no package for.`;
        assert.ok(said.includes(line("bin/press-musl", "libc.musl-x86_64.so.1")), said);
        assert.ok(
            said.includes(line("gpu.so", "libcuda.so.1")) || /gpu\.so loads libcuda\.so\.1/.test(said),
            said,
        );
        assert.match(
            said,
            /Not looked into, as this image's loader does not load them: .*bin\/alpine \(\/lib\/ld-musl-x86_64\.so\.1\)/,
        );
        assert.match(said, /bin\/press-s390x \(a different CPU\)/);
        assert.ok(!/libgrapes|bin\/static|main\.o/.test(said), said);

        const named = [...said.matchAll(/pulumi config set --path 'missingLibraries\[(\d)\]' (\S+)/g)];
        const exceptions = new Map(named.map(([, index = "", library = ""]) => [index, library]));
        assert.deepEqual([...exceptions.keys()].sort(), ["0", "1"]);
        for (const BASE of ["minimal", "debian"]) {
            await app.build({
                args: { BASE, MISSING_LIBRARIES: [...exceptions.values()].join(" ") },
            });
            assert.equal(await app.eval("IO.inspect(Press.litres(21))"), "42\n");
        }
    });

    it("may be missing in a file that is excepted by its path", async () => {
        await app.build({ args: { MISSING_LIBRARIES: "lib/press-*/priv/gpu.so press-musl" } });
        assert.match(
            await app.fail({ args: { MISSING_LIBRARIES: "press-musl libcud" } }),
            /gpu\.so loads libcuda\.so\.1[^]*'missingLibraries\[2\]' libcuda\.so\.1/,
        );
    });
});

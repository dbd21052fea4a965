import * as pulumi from "@pulumi/pulumi";
import { docker, lastLines, valueOf } from "./docker";
import { pullImage } from "./imagePull";

export interface ReleaseProofArgs {
    /** Image of the release, by digest. */
    image: pulumi.Input<string>;
    /** Whether the image is Decanter's own, whose release can be started; another is only checked for its CPU. */
    starts: boolean;
    /** Docker host that runs the image. */
    host?: string;
    /**
     * Whether other machines run it. An image for another CPU than the Docker host's is not started then.
     *
     * @default false
     */
    elsewhere?: boolean;
}

/**
 * A hook that proves, before a container of the image is made, that the host can run it: that it is for the host's CPU,
 * and that the release starts on it, without network and without its secrets, as far as the VM, crypto and every module,
 * NIFs included.
 */
export function releaseProof(name: string, args: ReleaseProofArgs): pulumi.ResourceHook {
    // Every container waits for it, and one run serves them all.
    let run: Promise<void> | undefined;
    return new pulumi.ResourceHook(`${name}-proven`, () => (run ??= prove(args)));
}

async function prove({ image, starts, host, elsewhere }: ReleaseProofArgs): Promise<void> {
    const reference = await valueOf(pulumi.output(image));
    // What cannot be pulled is explained where its containers are made.
    if (!starts && (await pullImage(host, reference)).code !== 0) return;
    const platform = (of: string[]) => docker(host, of).then(({ stdout }) => stdout.trim());
    const [is, wanted] = await Promise.all([
        platform(["image", "inspect", "--format", "{{.Os}}/{{.Architecture}}", reference]),
        platform(["version", "--format", "{{.Server.Os}}/{{.Server.Arch}}"]),
    ]);
    if (is !== wanted && elsewhere) return;
    if (is !== wanted) {
        throw new Error(
            `the image ${reference} is for ${is}, and the Docker host is ${wanted}: ` +
                `build for it (pulumi config set platform ${wanted}), or deploy to another host`,
        );
    }
    if (!starts) return;
    const options = ["--rm", "--network", "none", "--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL"];
    const env = ["RELEASE_SYS_CONFIG=/tmp/sys", "RELEASE_COOKIE=none", "RELEASE_DISTRIBUTION=none"].flatMap(
        (variable) => ["--env", variable],
    );
    const command = ["sh", "-c", SCRIPT, "prove", LOADS];
    const { code, output } = await docker(host, ["run", ...options, ...env, reference, ...command], 300);
    if (code !== 0) {
        throw new Error(
            `the release does not start on its image, so it is not deployed (exit code ${code}): is runnerImage of the ` +
                `builder's Debian? Its last lines:\n${lastLines(output, [])}`,
        );
    }
}

/** The empty system configuration leaves out runtime.exs, which wants variables that are secrets. */
const SCRIPT = `echo '[].' > /tmp/sys.config && export RELEASE_TMP=/tmp && exec "bin/$RELEASE" eval "$1"`;

const LOADS = `
    broken =
      for beam <- Path.wildcard(Path.join(:code.root_dir(), "lib/*/ebin/*.beam")),
          module = beam |> Path.basename(".beam") |> String.to_atom(),
          {:error, reason} <- [Code.ensure_loaded(module)],
          do: {module, reason}
    :crypto.strong_rand_bytes(1)
    if broken != [], do: (IO.puts("cannot be loaded: #{inspect(broken)}"); System.halt(1))`;

import * as pulumi from "@pulumi/pulumi";
import type { DockerHost } from "../docker/dockerHost";
import { valueOf } from "../release/valueOf";

/** Docker Hub's list of the tags of hexpm/elixir, newest first. */
const TAGS = "https://hub.docker.com/v2/repositories/hexpm/elixir/tags";
/** How much of the list is read, as it is long: pages of a hundred tags for a name, and seconds for all. */
const PAGES = 10;
const SECONDS = 60;

/** What a tag of hexpm/elixir says. */
interface Tag {
    elixir: number[];
    erlang: number[];
    /** Whether either is a release candidate. */
    candidate: boolean;
    codename: string;
    date: number;
    slim: boolean;
}

/** The images that a release is built from. */
export interface BuilderImages {
    /** Image with Elixir that builds the release. */
    builderImage: pulumi.Input<string>;
    /** Image that the release runs on, or whose files it takes; of the same Debian as the builder. */
    runnerImage: pulumi.Input<string>;
    /**
     * The versions that `builderImage` was derived from, and the files that ask for them. A build then looks for it first, and
     * where it does not exist, the error names the nearest that does.
     *
     * @default it was not, and is taken as it is
     */
    builderVersions?: string;
}

/**
 * Throws where a derived builder image is neither on the Docker host nor in its registry, and names the nearest that is. Hex makes an
 * image of few of the combinations of versions. A registry that does not answer is left to the build.
 *
 * @param tags where the tags are listed
 */
export async function mustHaveBuilder(host: DockerHost, images: BuilderImages, tags = TAGS): Promise<void> {
    const { builderVersions: versions } = images;
    if (versions === undefined) return;
    const image = await valueOf(pulumi.output(images.builderImage));
    const runnerImage = await valueOf(pulumi.output(images.runnerImage));
    if ((await host.run(["image", "inspect", image])).code === 0) return;
    const { code, output } = await host.run(["manifest", "inspect", image]);
    if (code === 0 || !/no such manifest|manifest unknown|manifest for \S+ not found/i.test(output)) return;
    const missing = `the builder image ${image} does not exist, which ${versions} ask for on runnerImage's Debian`;
    const remedy = "or ask for different versions there";
    const [repository = "", wanted = ""] = image.split(/:(?=[^:]+$)/);
    let nearest: string | undefined;
    try {
        nearest = await nearestTag(wanted, tags);
    } catch (error) {
        throw new Error(
            `${missing}. Docker Hub does not say which does (${reasonOf(error)}): look at ` +
                "https://hub.docker.com/r/hexpm/elixir/tags, and take one (pulumi config set builderImage " +
                `${repository}:TAG, and runnerImage of the same Debian), ${remedy}`,
            { cause: error },
        );
    }
    if (nearest === undefined) {
        throw new Error(
            `${missing}, and none that is near it: set builderImage and a runnerImage of the same Debian, ${remedy}`,
        );
    }
    const debian = /debian-(.*)/.exec(nearest)?.[1];
    const runner = runnerImage.replace(/\bdebian:.*/, `debian:${debian}`);
    const both = runner === runnerImage ? "" : `\n  pulumi config set runnerImage ${runner}`;
    throw new Error(
        `${missing}. The nearest that does is ${nearest}: take it, ${both && "with a runnerImage of the same Debian, "}` +
            `${remedy}:\n  pulumi config set builderImage ${repository}:${nearest}${both}`,
    );
}

/** The nearest tag that exists; the more a name finds, the later it is asked for. */
async function nearestTag(wanted: string, tags: string): Promise<string | undefined> {
    const tag = read(wanted);
    if (tag === undefined) return undefined;
    const [major, minor] = tag.elixir;
    const elixir = wanted.replace(/-erlang-.*/, "");
    const names = [
        wanted.replace(/-\d+(-slim)?$/, "-"),
        `${elixir}-erlang-${tag.erlang[0]}.`,
        `${major}.${minor}.`,
        `-debian-${tag.codename}-`,
    ];
    const signal = AbortSignal.timeout(SECONDS * 1000);
    const found: [name: string, distance: number[]][] = [];
    for (const name of names) {
        for (const each of await list(name, tags, signal)) {
            const other = read(each);
            if (other !== undefined && (tag.candidate || !other.candidate))
                found.push([each, distance(tag, other)]);
        }
        found.sort(([, a], [, b]) => compare(a, b));
        // Same Elixir but for the patch, same major of Erlang, same Debian but for the date: what follows is farther.
        if (found[0]?.[1].slice(0, 5).every((part) => part === 0)) break;
    }
    return found[0]?.[0];
}

/** The tags whose name has this part. */
async function list(name: string, tags: string, signal: AbortSignal): Promise<string[]> {
    const names: string[] = [];
    for (let page = 1; page <= PAGES; page++) {
        const query = new URLSearchParams({ name, page_size: "100", page: String(page) });
        const response = await fetch(`${tags}?${query.toString()}`, { signal });
        if (!response.ok) throw new Error(`it answers ${response.status}`);
        const { next, results } = (await response.json()) as { next?: string; results: { name: string }[] };
        names.push(...results.map((each) => each.name));
        if (!next) break;
    }
    return names;
}

function read(tag: string): Tag | undefined {
    const match =
        /^(\d+\.\d+\.\d+)(-rc\.\d+)?-erlang-(\d+(?:\.\d+)*)(-rc\d+)?-debian-([a-z]+)-(\d+)(-slim)?$/.exec(
            tag,
        );
    if (match === null) return undefined;
    const [, elixir = "", elixirRc, erlang = "", erlangRc, codename = "", date, slim] = match;
    return {
        elixir: elixir.split(".").map(Number),
        erlang: erlang.split(".").map(Number),
        candidate: (elixirRc ?? erlangRc) !== undefined,
        codename,
        date: Number(date),
        slim: slim !== undefined,
    };
}

/** How far a tag is from the one that is wanted, by parts that weigh less and less; of two as far, the newer is nearer. */
function distance(wanted: Tag, tag: Tag): number[] {
    const apart = (from: number[], to: number[], part: number) =>
        Math.abs((from[part] ?? 0) - (to[part] ?? 0));
    const elixir = (part: number) => apart(wanted.elixir, tag.elixir, part);
    const erlang = (part: number) => apart(wanted.erlang, tag.erlang, part);
    return [
        elixir(0),
        elixir(1),
        erlang(0),
        Number(wanted.codename !== tag.codename),
        Number(wanted.slim !== tag.slim),
        elixir(2),
        -(tag.elixir[2] ?? 0),
        ...[1, 2, 3].flatMap((part) => [erlang(part), -(tag.erlang[part] ?? 0)]),
        -tag.date,
    ];
}

function compare(a: number[], b: number[]): number {
    const part = a.findIndex((each, index) => each !== b[index]);
    return part < 0 ? 0 : (a[part] ?? 0) - (b[part] ?? 0);
}

/** Why a request failed; fetch says it in the cause. */
function reasonOf(error: unknown): string {
    const { message, cause } = error as Error;
    return cause instanceof Error ? cause.message : message;
}

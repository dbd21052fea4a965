import { setTimeout as sleep } from "node:timers/promises";
import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { containerDefaults, type Labels, restart, toLabels } from "../docker/containerDefaults";
import { DockerHost } from "../docker/dockerHost";
import { mustBe, mustBeWhole } from "../release/arguments";
import { hostImage } from "./hostImage";
import { namesThatLeadElsewhere } from "./namesLead";
import { keeperOf, type Router } from "./router";

/** Let's Encrypt's directory. */
const LETS_ENCRYPT = "https://acme-v02.api.letsencrypt.org/directory";

/** How long the deploy waits for the first word about a certificate, in seconds. */
const FIRST_WORD_SECONDS = 60;

/** A CA that gives certificates by itself, by ACME (RFC 8555). */
export interface CertificateAuthority {
    /** Image with lego 5. */
    image: pulumi.Input<string>;
    /**
     * URL of the CA's directory.
     *
     * @default Let's Encrypt's
     */
    server?: string;
    /** Whom the CA writes to. */
    email?: string;
    /**
     * Provider of DNS, by lego's name for it, that shows the CA that the names are the operator's (dns-01). It is needed for
     * names with a wildcard.
     *
     * @default http-01, through the router
     */
    dns?: string;
    /** Variables of that provider, and of lego, by name. */
    env?: pulumi.Input<Record<string, string>>;
    /** The root that the CA itself is known by, as PEM, where that is no public one. */
    root?: string;
    /**
     * How often lego looks whether it is time to renew, in seconds.
     *
     * @default 21600
     */
    renewSeconds?: number;
}

export interface CertificateArgs {
    /** The router that shows it: one with https. */
    router: Router;
    /** The router's image. */
    image: pulumi.Input<string>;
    /** Host names that the certificate is for. */
    names: string[];
    /** A certificate with its chain and its private key, as PEM, or who gives one. */
    from: pulumi.Output<string> | CertificateAuthority;
    /** Labels of the container. */
    labels?: Labels;
}

/**
 * Keeps the router's certificate: a container beside it that takes the one that is given, or gets one from a CA and renews it.
 * What it has lies in the router's volume of certificates, and the router takes it up without a reload.
 *
 * A certificate that cannot be had fails no deploy. The reason is a warning at the deploy, and in the container's log and health.
 */
export class Certificate extends pulumi.ComponentResource {
    /** Name of the container. */
    public readonly container: pulumi.Output<string>;

    constructor(name: string, args: CertificateArgs, opts?: pulumi.ComponentResourceOptions) {
        const component = `Certificate ${name}`;
        const { router, names } = args;
        const authority = pulumi.Output.isInstance(args.from) ? undefined : args.from;
        const volume = router.certificates;
        mustBe(names.length > 0, component, "names", "one host name or more", names);
        mustBeWhole(authority?.renewSeconds, [1, 86_400], component, "from.renewSeconds");
        if (volume === undefined) throw new Error(`${component}: its router has no https`);
        super("decanter:index:Certificate", name, {}, opts);

        const host = DockerHost.of(this);
        const image = hostImage(
            name,
            {
                folder: "certificates",
                network: router.networkName,
                args: {
                    ROUTER_IMAGE: args.image,
                    ...(authority && { CLIENT: "acme", ACME_IMAGE: authority.image }),
                },
            },
            this,
        );
        const namesHook = new pulumi.ResourceHook(`${name}-names`, async () => {
            if (authority === undefined || authority.dns) return;
            const lines = await namesThatLeadElsewhere(names, await host.address());
            if (lines.length > 0) await pulumi.log.warn(lines.join("\n"), this);
        });
        const wordHook = new pulumi.ResourceHook(`${name}-word`, async (made) => {
            const container = String(made.newOutputs?.name);
            const word = await firstTrouble(host, container);
            if (word === undefined) return;
            await pulumi.log.warn(`${word}\nThe site answers on; docker logs ${container} has more`, this);
        });
        const container = new docker.Container(
            name,
            {
                ...containerDefaults,
                name: keeperOf(router.networkName),
                image: image.repoDigest,
                envs: envsOf(args.from, names, router.containerName),
                networkMode: router.networkName,
                networksAdvanced: [{ name: router.networkName }],
                volumes: [{ volumeName: volume, containerPath: "/certificates" }],
                healthcheck: {
                    tests: ["CMD", "/usr/local/bin/certificates", "check"],
                    interval: "30s",
                    timeout: "10s",
                    startPeriod: "30s",
                    retries: 3,
                },
                readOnly: true,
                tmpfs: { "/tmp": "" },
                restart,
                labels: toLabels(args.labels),
            },
            {
                parent: this,
                // The name is taken, and two at once would ask the CA twice.
                deleteBeforeReplace: true,
                ignoreChanges: ["labels"],
                dependsOn: router,
                hooks: { beforeCreate: [namesHook], afterCreate: [wordHook] },
            },
        );
        this.container = container.name;
        this.registerOutputs({ container: this.container });
    }
}

function envsOf(
    from: CertificateArgs["from"],
    names: string[],
    router: pulumi.Output<string>,
): pulumi.Output<string[]> {
    const common = [`NAMES=${names.join(" ")}`];
    if (pulumi.Output.isInstance(from))
        return pulumi.secret(
            pulumi
                .all([from, router])
                .apply(([pem, name]) => [...common, `TLS_CERTIFICATE=${pem}`, `ROUTER=${name}`]),
        );
    const { server = LETS_ENCRYPT, email = "", dns = "", root = "", renewSeconds = 21_600 } = from;
    const own = [
        `ACME_SERVER=${server}`,
        `ACME_EMAIL=${email}`,
        `ACME_DNS=${dns}`,
        `ACME_ROOT=${root}`,
        `RENEW_SECONDS=${renewSeconds}`,
    ];
    return pulumi.secret(
        pulumi.all([from.env ?? {}, router]).apply(([env, name]) => [
            ...Object.entries(env)
                .map(([key, value]) => `${key}=${value}`)
                .sort(),
            ...common,
            ...own,
            `HIDDEN=${Object.keys(env).sort().join(" ")}`,
            `ROUTER=${name}`,
        ]),
    );
}

/** What `certificates` says is wrong; undefined where nothing is, and where it says nothing for a while. */
async function firstTrouble(host: DockerHost, container: string): Promise<string | undefined> {
    const check = ["exec", container, "/usr/local/bin/certificates", "check"];
    for (const end = Date.now() + FIRST_WORD_SECONDS * 1000; Date.now() < end; await sleep(1000)) {
        const { code, stdout } = await host.run(check);
        if (code === 0) return undefined;
        // Docker itself ends with 1 too, and prints nothing there.
        if (code === 1 && stdout !== "") return stdout.trim();
    }
    return undefined;
}

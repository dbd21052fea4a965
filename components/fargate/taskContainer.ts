import * as pulumi from "@pulumi/pulumi";
import { type Health, healthCheck, wholeHealth } from "../release/healthCheck";
import { containerLimits, type Limits } from "../release/limits";
import { sortedVariables } from "../release/releaseEnv";

/** Port on which Erlang nodes talk to each other. */
export const DISTRIBUTION_PORT = 9100;

/** First part of the names of its log streams. */
export const LOG_STREAM_PREFIX = "release";

/** Where a release that clusters leaves its node's name, for a remote console: an exec session does not see what a shell has exported. */
const NODE_FILE = "/tmp/release-node";

/** What a task may use: Fargate wants to know both limits. */
export type TaskLimits = Limits & Required<Pick<Limits, "memoryMb" | "cpus">>;

export interface TaskContainerArgs {
    name: string;
    /** Image by digest. */
    image: string;
    /** Plain environment, by name. */
    env: Record<string, string>;
    /** ARNs of parameters with the secret environment, by name. */
    secretArns: Record<string, string>;
    health: Health;
    /** How long it may take to stop, in seconds. */
    drainSeconds: number;
    limits: TaskLimits;
    /** Whether a remote console may be opened. */
    console: boolean;
    /** First part of the name of its Erlang node, where it clusters. */
    nodeName?: string;
    logGroup: string;
    region: string;
}

/**
 * The container definitions of a release for ECS, as JSON: in the very form in which AWS gives them back, sorted and with
 * what it fills in, as every other form would be a change at the next deploy.
 */
export function containerDefinitions(args: TaskContainerArgs): string {
    const { name, image, limits, nodeName } = args;
    const { port, bootSeconds } = wholeHealth(args.health);
    const { readOnly } = containerLimits(limits);
    const tmpfs = (containerPath: string, size: number, ...options: string[]) => ({
        containerPath,
        mountOptions: ["rw", ...options, "nosuid", "nodev"],
        size,
    });
    const definition = {
        ...(nodeName === undefined ? {} : { command: ["/bin/bash", "-c", startNode(nodeName)] }),
        environment: sortedVariables(args.env).map(([key, value]) => ({ name: key, value })),
        essential: true,
        healthCheck: {
            command: healthCheck(args.health).tests,
            // AWS's shortest.
            interval: 5,
            retries: 3,
            startPeriod: Math.min(bootSeconds, 300),
            timeout: 5,
        },
        image,
        linuxParameters: {
            // A remote console wants an init, and runs as root with what root may do.
            ...(args.console ? {} : { capabilities: { add: [], drop: ["ALL"] } }),
            initProcessEnabled: true,
            tmpfs: [
                // It counts as memory of the task.
                tmpfs("/tmp", Math.floor(limits.memoryMb / 2), "noexec"),
                // The agent of the remote console writes there.
                ...(args.console && readOnly
                    ? [tmpfs("/var/lib/amazon", 64), tmpfs("/var/log/amazon", 64)]
                    : []),
            ],
        },
        logConfiguration: {
            logDriver: "awslogs",
            options: {
                "awslogs-group": args.logGroup,
                "awslogs-region": args.region,
                "awslogs-stream-prefix": LOG_STREAM_PREFIX,
                // A log that AWS does not take fast enough holds up nobody.
                "max-buffer-size": "4m",
                mode: "non-blocking",
            },
        },
        mountPoints: [],
        name,
        portMappings: [{ containerPort: port, hostPort: port, protocol: "tcp" }],
        readonlyRootFilesystem: readOnly,
        secrets: sortedVariables(args.secretArns).map(([key, valueFrom]) => ({ name: key, valueFrom })),
        stopTimeout: args.drainSeconds,
        systemControls: [],
        user: "65534:65534",
        volumesFrom: [],
    };
    return JSON.stringify([definition]);
}

/** The environment of a release that clusters. */
export function clusterEnv(query: pulumi.Input<string>): Record<string, pulumi.Input<string>> {
    return { RELEASE_DISTRIBUTION: "name", DNS_CLUSTER_QUERY: query };
}

/** The command of a remote console in such a container, wherever the session begins. */
export function consoleCommand(release: string): string {
    const node = `[ ! -e ${NODE_FILE} ] || export RELEASE_NODE=$(cat ${NODE_FILE})`;
    return `/bin/sh -c 'cd /app 2> /dev/null; ${node}; exec bin/${release} remote'`;
}

/**
 * A shell script that starts the release as a node with the task's own address, which AWS's metadata endpoint tells.
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-metadata-endpoint-v4-fargate.html
 *
 * The port is given to this node alone: a remote console in the same container would find it taken.
 */
function startNode(nodeName: string): string {
    return [
        "set -eu -o pipefail",
        "rest=${ECS_CONTAINER_METADATA_URI_V4#http://} host=${rest%%/*}",
        'exec 3<> "/dev/tcp/$host/80"',
        'printf \'GET /%s HTTP/1.0\\r\\nHost: %s\\r\\n\\r\\n\' "${rest#*/}" "$host" >&3',
        "answer=$(cat <&3) && exec 3>&-",
        '[[ $answer =~ \\"IPv4Addresses\\":\\ *\\[\\"([0-9.]+)\\" ]] || { echo "the metadata endpoint tells no address: $answer" >&2; exit 1; }',
        `export RELEASE_NODE=${nodeName}@\${BASH_REMATCH[1]}`,
        `echo "$RELEASE_NODE" > ${NODE_FILE}`,
        `export ERL_AFLAGS="\${ERL_AFLAGS:-} -kernel inet_dist_listen_min ${DISTRIBUTION_PORT} inet_dist_listen_max ${DISTRIBUTION_PORT}"`,
        'exec "bin/$RELEASE" start',
    ].join("\n");
}

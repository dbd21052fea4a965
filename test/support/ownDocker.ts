import { type ChildProcess, execFile, spawn } from "node:child_process";
import * as dgram from "node:dgram";
import { once } from "node:events";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import Docker from "dockerode";

const run = promisify(execFile);

const NAMESPACES = ["--pid", "--mount", "--net", "--mount-proc", "--fork", "--kill-child"];

/**
 * What runs first in the namespaces, with the daemon's folder as its argument. The kernel ends everything in there when
 * this ends, and it ends when nobody holds its standard input any more: at the latest when the tests are gone. It is a
 * shell that stays, as it has to reap what a killed daemon leaves.
 */
const INIT = `
# The machine's containerd has its socket there, which dockerd would take for its own.
mkdir -p /run/containerd
mount -t tmpfs none /run/containerd
[ ! -e "$1/disk" ] || mount -o loop "$1/disk" "$1/data"
echo on
cat
exit`;

/** Lays a cable from the machine's network to that of a process: name, pid, address here, address there. */
const CABLE = `
ip link add "$1" type veth peer name eth0 netns "$2"
ip address add "$3/30" dev "$1"
ip link set "$1" up
nsenter --net="/proc/$2/ns/net" sh -ec '
    ip link set lo up
    ip address add "$1/30" dev eth0
    ip link set eth0 up' sh "$4"`;

/**
 * A Docker daemon of the tests' own beside the machine's, for what would disturb others: a restart, a power cut, a full
 * disk. It lives in namespaces of its own, because two daemons in one network remove each other's bridges and firewall
 * rules. So it is like another host, one cable away: what its containers publish on 127.0.0.1 is seen by itself alone,
 * and what they publish on `address` by the machine. There is no way from it to the internet. Several can run at once.
 */
export class OwnDocker {
    /** The daemon's address, `unix:///...`. */
    readonly host: string;
    /** The IP address of its end of the cable. */
    readonly address: string;
    readonly api: Docker;
    private machine?: ChildProcess;
    private names?: dgram.Socket;
    private daemon?: ChildProcess;
    private isGone = false;

    private constructor(private readonly place: Place) {
        const socketPath = place.path("docker.sock");
        this.host = `unix://${socketPath}`;
        this.address = place.address(2);
        this.api = new Docker({ socketPath });
    }

    /** Why there can be none on this machine; undefined where it can. */
    static async whyNot(): Promise<string | undefined> {
        if (process.platform !== "linux" || process.getuid?.() !== 0) return "it needs Linux, and root";
        for (const command of ["dockerd", "unshare", "nsenter", "ip", "mkfs.ext4", "losetup", "fallocate"]) {
            const there = await run("sh", ["-c", `command -v ${command}`]).catch(() => undefined);
            if (there === undefined) return `the command ${command} is not on the PATH`;
        }
        return run("unshare", [...NAMESPACES, "true"]).then(
            () => undefined,
            (error: Error) => `this machine gives no namespaces: ${error.message}`,
        );
    }

    /**
     * @param options.diskMb size of the disk for its images, containers and volumes; by default they lie in the folder
     * for temporary files
     */
    static async start({ diskMb }: { diskMb?: number } = {}): Promise<OwnDocker> {
        const own = new OwnDocker(await Place.claim());
        try {
            await own.place.furnish(diskMb);
            await own.powerOn();
        } catch (error) {
            await own.stop();
            throw error;
        }
        return own;
    }

    /** Copies images from the machine's Docker. */
    async load(images: string[]): Promise<void> {
        const command = `docker save "$@" | docker --host ${this.host} load`;
        await run("bash", ["-o", "pipefail", "-c", command, "bash", ...images]);
    }

    /** Stops the daemon as a service manager does, and starts it again. */
    async restart(): Promise<void> {
        await this.endDaemon("TERM");
        await this.startDaemon();
    }

    /** Kills the daemon, and nothing else. `startDaemon` starts it again. */
    async kill(): Promise<void> {
        await this.endDaemon("KILL");
    }

    /** Starts the daemon, and waits until it answers, which is after it has started the containers that it should. */
    async startDaemon(): Promise<void> {
        const log = fs.openSync(this.place.path("dockerd.log"), "a");
        const command = [...this.inside(), "dockerd", "--config-file", this.place.path("daemon.json")];
        this.daemon = spawn("nsenter", command, { stdio: ["ignore", log, log], detached: true });
        fs.closeSync(log);
        const deadline = Date.now() + 60_000;
        const answers = () => this.api.ping().then(Boolean, () => false);
        while (!(await answers())) {
            if (hasEnded(this.daemon) || Date.now() > deadline)
                throw new Error(`dockerd does not answer; its last lines:\n${this.place.lastLog()}`);
            await sleep(50);
        }
    }

    /** A power cut: all processes end at once, and only the disk stays. Then the power is back. */
    async reboot(): Promise<void> {
        await this.powerOff();
        await this.powerOn();
    }

    /** Fills the disk of `diskMb`, but for some megabytes. */
    async fillDisk(leaveMb = 0): Promise<void> {
        if (!fs.existsSync(this.place.path("disk")))
            throw new Error("the disk to fill is the machine's: give diskMb");
        const { bavail, bsize } = await fs.promises.statfs(this.seen("data"));
        const bytes = bavail * bsize - leaveMb * 1024 * 1024;
        // The file system wants some of the last blocks for itself: then the file takes all that it can get, and complains.
        await run("fallocate", ["--length", `${bytes}`, this.seen("data/filler")]).catch(() => undefined);
    }

    async freeDisk(): Promise<void> {
        await fs.promises.rm(this.seen("data/filler"), { force: true });
    }

    /** Ends everything, and leaves nothing. It works in every state. */
    async stop(): Promise<void> {
        // Its place may be another's by now.
        if (this.isGone) return;
        this.isGone = true;
        await this.powerOff();
        await this.place.remove();
    }

    private async powerOn(): Promise<void> {
        const init = ["sh", "-ec", INIT, "sh", this.place.path("")];
        // In a session of its own, as the Ctrl-C that ends the tests is not for it.
        this.machine = spawn("unshare", [...NAMESPACES, ...init], { detached: true });
        let said = "";
        this.machine.stderr?.on("data", (data) => (said += data));
        const isOn = await Promise.race([
            once(this.machine.stdout!, "data").then(() => true),
            once(this.machine, "close").then(() => false),
        ]);
        if (!isOn) throw new Error(`the daemon's namespaces could not be made: ${said}`);
        await this.place.connect(this.machine.pid!);
        this.names = await nameServer(this.place.address(1));
        await this.startDaemon();
    }

    private async powerOff(): Promise<void> {
        if (this.machine && !hasEnded(this.machine)) {
            this.machine.stdin?.end();
            await once(this.machine, "exit");
        }
        this.names?.close();
        this.names = undefined;
        await this.place.clear();
    }

    private async endDaemon(signal: "TERM" | "KILL"): Promise<void> {
        const ended = once(this.daemon!, "exit");
        const command = `kill -${signal} $(cat ${this.place.path("run/pid")})`;
        await run("nsenter", [...this.inside(), "sh", "-c", command]);
        await ended;
    }

    /** Options of nsenter for the namespaces. */
    private inside(): string[] {
        const own = `/proc/${this.machine?.pid}/ns`;
        return [`--mount=${own}/mnt`, `--net=${own}/net`, `--pid=${own}/pid_for_children`];
    }

    /** A file as the daemon sees it, with its disk. */
    private seen(name: string): string {
        return `/proc/${this.machine?.pid}/root${this.place.path(name)}`;
    }
}

/** The name of a file that says who has the place, before the id of the process. */
const OWNER = "owner-";

/**
 * What a daemon has on the machine: a folder, a cable, control groups, all told by a number. So whoever comes next can
 * remove what tests that were killed have left.
 */
class Place {
    private readonly name: string;

    private constructor(private readonly number: number) {
        this.name = `decanter-own-${number}`;
    }

    /** A place that nobody has. */
    static async claim(): Promise<Place> {
        for (let number = 0; number < 64; number++) {
            const place = new Place(number);
            if (place.inherits()) await place.remove();
            try {
                fs.mkdirSync(place.path(""));
            } catch (error) {
                if ((error as NodeJS.ErrnoException).code === "EEXIST") continue;
                throw error;
            }
            fs.writeFileSync(place.path(OWNER + process.pid), "");
            return place;
        }
        throw new Error("64 Docker daemons of tests are too many for one machine");
    }

    path(name: string): string {
        return path.join(os.tmpdir(), this.name, name);
    }

    /** Of the addresses for benchmarks (RFC 2544), which are nobody's: 1 is the machine's end of the cable, 2 the daemon's. */
    address(end: number): string {
        return `198.18.${this.number}.${end}`;
    }

    async furnish(diskMb: number | undefined): Promise<void> {
        // Without the cable nobody is there: another host must not answer in the daemon's place.
        await run("ip", ["route", "replace", ...this.nobody]);
        fs.mkdirSync(this.path("data"));
        if (diskMb !== undefined) {
            await run("truncate", ["--size", `${diskMb}M`, this.path("disk")]);
            // Root has no reserve on it: full is full.
            await run("mkfs.ext4", ["-q", "-m", "0", this.path("disk")]);
        }
        const config = {
            hosts: [`unix://${this.path("docker.sock")}`],
            "data-root": this.path("data"),
            "exec-root": this.path("run"),
            pidfile: this.path("run/pid"),
            "storage-driver": "overlay2",
            dns: [this.address(1)],
            "cgroup-parent": `/${this.name}`,
            "exec-opts": ["native.cgroupdriver=cgroupfs"],
        };
        fs.writeFileSync(this.path("daemon.json"), JSON.stringify(config));
    }

    /** Lays the cable to the network namespace of a process. */
    async connect(pid: number): Promise<void> {
        await run("sh", ["-ec", CABLE, "sh", this.name, `${pid}`, this.address(1), this.address(2)]);
    }

    /** Removes what does not outlive a power cut. */
    async clear(): Promise<void> {
        await run("ip", ["link", "delete", this.name]).catch(() => undefined);
        // In cgroup v1 every controller has a tree of its own.
        for (const tree of ["", ...fs.readdirSync("/sys/fs/cgroup")]) {
            const group = path.join("/sys/fs/cgroup", tree, this.name);
            if (fs.existsSync(group))
                await run("find", [group, "-depth", "-type", "d", "-exec", "rmdir", "{}", "+"]);
        }
        fs.rmSync(this.path("run"), { recursive: true, force: true });
        // The kernel lets go of the disk a moment after the last process; two mounts would damage it.
        while ((await run("losetup", ["--associated", this.path("disk")])).stdout !== "") await sleep(20);
    }

    async remove(): Promise<void> {
        await this.clear();
        await run("ip", ["route", "delete", ...this.nobody]).catch(() => undefined);
        await fs.promises.rm(this.path(""), { recursive: true, force: true });
    }

    lastLog(): string {
        return fs.readFileSync(this.path("dockerd.log"), "utf8").split("\n").slice(-10).join("\n");
    }

    private get nobody(): string[] {
        return ["unreachable", `${this.address(0)}/30`, "metric", "9999"];
    }

    /** Whether the tests that had it are gone, and nobody else has taken it over. */
    private inherits(): boolean {
        try {
            const owner = fs.readdirSync(this.path("")).find((name) => name.startsWith(OWNER));
            if (owner === undefined || fs.existsSync(`/proc/${owner.slice(OWNER.length)}`)) return false;
            fs.renameSync(this.path(owner), this.path(OWNER + process.pid));
            return true;
        } catch {
            // There is no such folder, or another was faster.
            return false;
        }
    }
}

/** A name server that knows no name. Without its answer a container would wait 20 s for an unknown one. */
async function nameServer(address: string): Promise<dgram.Socket> {
    const socket = dgram.createSocket("udp4");
    socket.on("message", (query, from) => {
        // The question, marked as an answer: there is no such name.
        query.writeUInt16BE(0x8183, 2);
        socket.send(query, from.port, from.address);
    });
    socket.bind(53, address);
    await once(socket, "listening");
    return socket.unref();
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
    return exitCode !== null || signalCode !== null;
}

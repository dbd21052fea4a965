import program from "../index";
import { App } from "../test/support/app";
import { certificate, privateKey } from "../test/support/certificate";
import { baseImages, freePort } from "../test/support/machine";
import { MiniEngine } from "../test/support/miniEngine";
import { benchmark } from "./command";
import { type Case, inTurns, publish, readTurns } from "./inTurns";
import { routerOf, serverOf } from "./server";

const REPORT = "bench/edge.json";
const PAGE = "docs/edge.md";
const EDGE = `bench-edge-${process.pid}`;
const STACK = `bench-shop-${process.pid}`;
const NAME = "shop.example";

const url = `https://${NAME}:8443/`;
const CASES: Record<string, Case> = {
    "requests by HTTP/1.1, one after the other": {
        url,
        args: (seconds) => ["--h1", "-c", "1", "-D", `${seconds}`],
    },
    "requests by HTTP/1.1, on 32 connections": {
        url,
        args: (seconds) => ["--h1", "-c", "32", "-D", `${seconds}`],
    },
    "requests by HTTP/2, on 8": { url, args: (seconds) => ["-c", "8", "-m", "4", "-D", `${seconds}`] },
    "handshakes, with a request each": { url, args: () => ["--h1", "-c", "1000", "-n", "1000"] },
    // The router answers them itself, so this is what the way alone costs.
    "redirects in the clear, on 32 connections": {
        url: `http://${NAME}:8080/`,
        args: (seconds) => ["--h1", "-c", "32", "-D", `${seconds}`],
    },
};

async function main(): Promise<number> {
    const { rounds, seconds } = readTurns();
    const app = new App();
    const edge = new MiniEngine(EDGE, program);
    const shop = new MiniEngine(STACK, program);
    try {
        const ports = { publicPort: await freePort(), httpsPort: await freePort() };
        const { routerImage } = baseImages();
        await edge.up({ target: "edge", routerImage, bindAddress: "127.0.0.1", ...ports });
        await shop.up({
            ...baseImages(),
            ...ports,
            app: app.folder,
            edge: EDGE,
            domain: NAME,
            tlsCertificate: certificate + privateKey,
            bakeSeconds: 0,
        });
        const [front = ""] = edge.outputs.containers as string[];
        const [before, router] = [await serverOf(front), await routerOf(STACK)];
        const ways = {
            "by the edge": { address: before.address, servers: [before, router] },
            "at the router": { address: router.address, servers: [router] },
        };
        const measures = await inTurns(ways, CASES, rounds, seconds);
        await publish(REPORT, PAGE, { rounds, seconds }, measures);
        return 0;
    } finally {
        console.error("removing everything");
        await shop.destroy();
        await edge.destroy();
        app.remove();
    }
}

benchmark("bench/edge", main);

import * as net from "node:net";
import { builderImageFor, defaultImages } from "../../stacks/config/builderImage";
import { settingsOf } from "./mockPulumi";

/** Names of the base images, where the machine's Docker Hub is out of reach and stand-ins are made (`bin/make-base-images`). */
export function baseImages(): Record<string, string> {
    const names = ["builderImage", "runnerImage", "routerImage", "registryImage"];
    if (process.env.DECANTER_STAND_INS === undefined) return {};
    return Object.fromEntries(names.map((key) => [key, `decanter/${key.replace("Image", "")}:trixie`]));
}

/** The build arguments of docker/Dockerfile that name the base images of an app. */
export function baseImageArgs(app: string): Record<"BUILDER_IMAGE" | "RUNNER_IMAGE", string> {
    const settings = settingsOf(baseImages());
    return {
        BUILDER_IMAGE: settings["decanter:builderImage"] || builderImageFor(app, "").image,
        RUNNER_IMAGE: settings["decanter:runnerImage"] || defaultImages.runnerImage,
    };
}

/** A port of loopback that nobody has right now. */
export function freePort(): Promise<number> {
    return new Promise((resolve, reject) => {
        const server = net.createServer();
        server.once("error", reject);
        server.listen(0, "127.0.0.1", () => {
            const { port } = server.address() as net.AddressInfo;
            server.close(() => resolve(port));
        });
    });
}

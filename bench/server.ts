import { engine } from "../test/support/dockerProvider";

/** A container that serves, at its own address: a port that is published at the loopback address has a proxy of Docker's in between. */
export interface Server {
    id: string;
    address: string;
}

export async function serverOf(container: string): Promise<Server> {
    const { Id: id, NetworkSettings, HostConfig } = await engine.getContainer(container).inspect();
    // One in another's network namespace has that one's address.
    const [, other] = /^container:(.+)$/.exec(HostConfig.NetworkMode ?? "") ?? [];
    if (other !== undefined) return { id, address: (await serverOf(other)).address };
    const [network] = Object.values(NetworkSettings.Networks);
    return { id, address: network?.IPAddress ?? "" };
}

/** The router of a stack. */
export async function routerOf(stack: string): Promise<Server> {
    const filters = { label: [`decanter.stack=decanter/${stack}`] };
    const all = await engine.listContainers({ filters });
    const router = all.find(({ Names: [name = ""] }) => /\brouter-[0-9a-f]{7}$/.test(name));
    if (router === undefined) throw new Error(`the stack ${stack} has no router`);
    return serverOf(router.Id);
}

import * as pulumi from "@pulumi/pulumi";
import { hostGate, type HostGateArgs, stopRelease } from "./hostGate";
import { HostTalk, SERVES } from "./hostTalk";

/** What a deploy and the host that gets the address say to each other when that moves. */
export interface HostHooks {
    /** Runs before the address moves; when it throws, the address stays. */
    gateHook: pulumi.ResourceHook;
    /** Runs when the address has moved. */
    movedHook: pulumi.ResourceHook;
    /** Runs when the address could not be moved. */
    failedHook: pulumi.ErrorHook;
}

/** @param known the host; asked when a hook runs, as it is to be made first */
export function hostHooks(name: string, known: () => Promise<HostGateArgs>): HostHooks {
    const withTalk = async <T>(run: (talk: HostTalk) => Promise<T>): Promise<T> => {
        const talk = new HostTalk(await known());
        return run(talk).finally(() => talk.close());
    };
    return {
        gateHook: new pulumi.ResourceHook(`${name}-healthy`, async () => hostGate(await known())),
        // Sooner or later the host sees its address itself: that it could not be told is no reason to fail.
        movedHook: new pulumi.ResourceHook(`${name}-serves`, () => withTalk((talk) => talk.say(SERVES)), {
            ignoreErrors: true,
        }),
        failedHook: new pulumi.ErrorHook(`${name}-unmoved`, async () => {
            const outcome = await withTalk(stopRelease);
            const lost = "Where AWS has moved the address all the same, the release serves.";
            await pulumi.log.error(`the address has not moved to the new host. ${outcome} ${lost}`);
            return false;
        }),
    };
}

import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";

export interface ReleaseSecretsArgs {
    /** The app's own secrets, by the name of the environment variable. They win over the generated ones. */
    secrets?: pulumi.Input<Record<string, pulumi.Input<string>>>;
    /**
     * Another number makes another RELEASE_COOKIE and SECRET_KEY_BASE: sessions end, and nodes that run on do not
     * cluster with new ones.
     *
     * @default 1
     */
    version?: number;
}

/** The secrets of a release: RELEASE_COOKIE and SECRET_KEY_BASE, which stay the same on every deploy, and the app's own. */
export class ReleaseSecrets extends pulumi.ComponentResource {
    /** Names of those that it makes. */
    public static readonly generated = ["RELEASE_COOKIE", "SECRET_KEY_BASE"] as const;
    /** All secrets by the name of the environment variable; secret as a whole. */
    public readonly env: pulumi.Output<Record<string, string>>;

    constructor(name: string, args: ReleaseSecretsArgs = {}, opts?: pulumi.ComponentResourceOptions) {
        // Its arguments would be in the state, and a plain string among them is not marked as a secret.
        super("decanter:index:ReleaseSecrets", name, {}, opts);

        const keepers = { version: `${args.version ?? 1}` };
        // Letters and digits alone pass through every shell and file. 64 of them are 381 bits.
        const cookie = new random.RandomPassword(
            `${name}-cookie`,
            { length: 64, special: false, keepers },
            { parent: this },
        );
        // Plug wants 64 bytes or more.
        const keyBase = new random.RandomPassword(
            `${name}-key-base`,
            { length: 96, special: false, keepers },
            { parent: this },
        );

        const generated = { RELEASE_COOKIE: cookie.result, SECRET_KEY_BASE: keyBase.result };
        this.env = pulumi.secret(
            pulumi
                .all([pulumi.all(generated), pulumi.output(args.secrets ?? {})])
                .apply(([ours, theirs]): Record<string, string> => ({ ...ours, ...theirs })),
        );
        this.registerOutputs({ env: this.env });
    }
}

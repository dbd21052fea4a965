import * as pulumi from "@pulumi/pulumi";
import { privateBucket } from "../aws/privateBucket";

export interface ReleaseArchiveArgs {
    /** How long a release is kept, in days. */
    days: number;
    /**
     * Whether it is kept from being deleted; otherwise it goes with all its releases.
     *
     * @default false
     */
    protect?: boolean;
}

/** A private bucket for the tarballs of releases. `archiveHook` fills it. */
export class ReleaseArchive extends pulumi.ComponentResource {
    /** Name of the bucket, once it is private. */
    public readonly bucket: pulumi.Output<string>;

    constructor(
        name: string,
        { days, protect = false }: ReleaseArchiveArgs,
        opts?: pulumi.ComponentResourceOptions,
    ) {
        super("decanter:index:ReleaseArchive", name, {}, opts);

        this.bucket = privateBucket(name, { days, protect }, { parent: this });
        this.registerOutputs({ bucket: this.bucket });
    }
}

import type * as s3 from "@aws-sdk/client-s3";

/** A place in a bucket. */
export interface ArchivePlace {
    region: string;
    bucket: string;
    /** What the keys of all objects there begin with, up to a slash. */
    folder: string;
}

/** What is written last: where it is, everything is. */
export const LAST = ".provenance.json";

/** Whether a release is there, as a whole. Throws with AWS's words. */
export async function isArchived(place: ArchivePlace): Promise<boolean> {
    const { bucket: Bucket, folder } = place;
    const { Contents = [] } = await asking(place, "s3:ListBucket", (client, { ListObjectsV2Command }) =>
        client.send(new ListObjectsV2Command({ Bucket, Prefix: `${folder}/` })),
    );
    return Contents.some(({ Key }) => Key?.endsWith(LAST));
}

/**
 * Writes a file there. AWS takes it only with the bytes that it has here. Throws with AWS's words.
 *
 * @param name its name
 * @param content what is in it
 */
export async function upload(place: ArchivePlace, name: string, content: Uint8Array): Promise<void> {
    const { bucket: Bucket, folder } = place;
    await asking(place, "s3:PutObject", (client, { PutObjectCommand }) =>
        client.send(
            new PutObjectCommand({
                Bucket,
                Key: `${folder}/${name}`,
                Body: content,
                ChecksumAlgorithm: "SHA256",
            }),
        ),
    );
}

async function asking<T>(
    { region, bucket, folder }: ArchivePlace,
    action: string,
    ask: (client: s3.S3Client, commands: typeof s3) => Promise<T>,
): Promise<T> {
    // Loaded here, as a release that is archived on this machine does not need it.
    const commands = await import("@aws-sdk/client-s3");
    const client = new commands.S3Client({ region });
    try {
        return await ask(client, commands);
    } catch (error) {
        const { name, message } = error as Error;
        throw new Error(
            `${action} for s3://${bucket}/${folder} failed (${name}: ${message})${remedy(name, bucket)}`,
            { cause: error },
        );
    } finally {
        client.destroy();
    }
}

function remedy(name: string, bucket: string): string {
    switch (name) {
        case "AccessDenied":
            return `: allow it to the role that deploys, on ${bucket} and what is in it (docs/deploy-role)`;
        case "NoSuchBucket":
            return ": pulumi refresh tells Pulumi that it is gone, and the next pulumi up makes it again";
        default:
            return "";
    }
}

import { isOn, objectsOf, part, passes, type Properties, type Rule, shown, textOf } from "./properties";
import { looksSecret } from "./secretNames";

/** Types with a property that encrypts what they store; what is copied from elsewhere is encrypted as it is there. */
const STORAGE: Record<string, { property: string; copiedFrom?: string }> = {
    "aws:ebs/volume:Volume": { property: "encrypted" },
    "aws:efs/fileSystem:FileSystem": { property: "encrypted" },
    "aws:rds/cluster:Cluster": { property: "storageEncrypted", copiedFrom: "replicationSourceIdentifier" },
    "aws:rds/instance:Instance": { property: "storageEncrypted", copiedFrom: "replicateSourceDb" },
};

const BLOCKS = ["blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"];

/** Rules on what is stored. ECR has none: AWS encrypts every repository, and lets nobody switch it off. */
export const encryptionRules: Rule[] = [
    {
        name: "disks-are-encrypted",
        description: "Every disk of an instance is encrypted.",
        check: (type, properties) => disks(type, properties).flatMap(unencrypted),
    },
    {
        name: "storage-is-encrypted",
        description: "Volumes, file systems and databases are encrypted.",
        check: (type, properties) => {
            const { property = "", copiedFrom = "" } = STORAGE[type] ?? {};
            if (property === "" || properties[copiedFrom] !== undefined || isOn(properties[property]))
                return [];
            return [`${property} is ${shown(properties[property])}: make it true`];
        },
    },
    {
        name: "secret-parameters-are-secure",
        description: "SSM parameters that hold secrets are SecureStrings.",
        check: (type, properties) => (type === "aws:ssm/parameter:Parameter" ? insecure(properties) : []),
    },
    {
        name: "buckets-are-private",
        description: "A bucket's public access block blocks all four ways of public access.",
        check: (type, properties) =>
            type === "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
                ? BLOCKS.filter((property) => !isOn(properties[property])).map(
                      (property) => `${property} is ${shown(properties[property])}: make it true`,
                  )
                : [],
    },
];

/** The disks of an instance, by the property that describes each. */
function disks(type: string, properties: Properties): { where: string; encrypted: unknown }[] {
    switch (type) {
        case "aws:ec2/instance:Instance":
            return [
                {
                    where: "rootBlockDevice.encrypted",
                    encrypted: part(properties.rootBlockDevice, "encrypted"),
                },
                ...objectsOf(properties.ebsBlockDevices).map(({ encrypted }, index) => ({
                    where: `ebsBlockDevices[${index}].encrypted`,
                    encrypted,
                })),
            ];
        case "aws:ec2/launchTemplate:LaunchTemplate": {
            const found = objectsOf(properties.blockDeviceMappings)
                .map(({ ebs }, index) => ({ ebs, where: `blockDeviceMappings[${index}].ebs.encrypted` }))
                .filter(({ ebs }) => ebs !== undefined)
                .map(({ ebs, where }) => ({ where, encrypted: part(ebs, "encrypted") }));
            // Without one the root disk is as the AMI has it.
            const declared = passes(properties.blockDeviceMappings, () => found.length > 0);
            return declared
                ? found
                : [{ where: "blockDeviceMappings[0].ebs.encrypted", encrypted: undefined }];
        }
        default:
            return [];
    }
}

function unencrypted({ where, encrypted }: { where: string; encrypted: unknown }): string[] {
    return isOn(encrypted) ? [] : [`${where} is ${shown(encrypted)}: make it true`];
}

function insecure({ name, type, insecureValue }: Properties): string[] {
    // The variable is the last part of a name such as /decanter/prod/SECRET_KEY_BASE.
    const variable = textOf(name).replace(/.*\//, "").toUpperCase().replace(/\W/g, "_");
    if (insecureValue !== undefined && type === "SecureString") {
        return [
            `the SecureString ${shown(name)} has an insecureValue, which anybody may read: give it as value`,
        ];
    }
    if (!looksSecret(variable) || passes(type, (given) => given === "SecureString")) return [];
    return [`the parameter ${shown(name)} is a ${shown(type)}: make it a SecureString`];
}

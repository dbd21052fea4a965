import { createPrivateKey, X509Certificate } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import type { SettingsReader } from "./settingsReader";

const KEY = "tlsCertificate";
const SET = "pulumi config set --secret tlsCertificate < chain-and-key.pem";

/**
 * Reads and checks the certificate that the stack brings along; undefined where it brings none.
 *
 * @param names that it has to be for
 */
export function readCertificate(
    settings: SettingsReader,
    names: string[] = [],
): pulumi.Output<string> | undefined {
    const pem = settings.optional(KEY);
    settings.mustBeSecret(KEY, pem !== undefined, SET);
    if (pem === undefined) return undefined;
    const wrong = whyNot(pem, names);
    if (wrong !== undefined) settings.refuseUnseen(KEY, wrong, SET);
    return pulumi.secret(pem);
}

/** Why a text is no certificate with its private key: what a server would say once it has it. */
function whyNot(pem: string, names: string[]): string | undefined {
    if (!/-----BEGIN CERTIFICATE-----/.test(pem) || !/-----BEGIN (\w+ )?PRIVATE KEY-----/.test(pem))
        return "must be a certificate with its chain, and its private key, as PEM";
    try {
        const certificate = new X509Certificate(pem);
        const key = /-----BEGIN (\w+ )?PRIVATE KEY-----[^]*?-----END (\w+ )?PRIVATE KEY-----/.exec(pem);
        if (!certificate.checkPrivateKey(createPrivateKey(key?.[0] ?? "")))
            return "must hold the private key of its first certificate, and holds that of another";
        if (Date.parse(certificate.validTo) < Date.now())
            return `must be valid, and its first certificate ended on ${certificate.validTo}`;
        const other = names.find((name) => certificate.checkHost(name) === undefined);
        if (other !== undefined) return `must be for ${other}, and is for ${certificate.subjectAltName}`;
    } catch {
        // What the library says may show a part of the key.
        return "must be a certificate and a private key without a password, and one of them cannot be read";
    }
    return undefined;
}

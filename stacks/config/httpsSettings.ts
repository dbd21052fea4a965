import * as net from "node:net";
import * as pulumi from "@pulumi/pulumi";
import type { CertificateAuthority } from "../../components/dockerHost/certificate";
import { readCertificate } from "./certificateSetting";
import { set, type SettingsReader } from "./settingsReader";

/** How a Docker host serves https. */
export interface HttpsSettings {
    readonly port: number;
    readonly hstsSeconds: number;
    /** Names that the certificate is for, that of the visitors first. */
    readonly names: string[];
    /** The certificate, or who gives one. */
    readonly from: pulumi.Output<string> | CertificateAuthority;
}

const NAME = /^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)+$/;

/** Whether the stack serves https by its own router. */
export function isHttps(settings: SettingsReader): boolean {
    return settings.text("https") === "acme" || settings.optional("tlsCertificate") !== undefined;
}

/**
 * Reads and checks the settings of https on a Docker host; undefined where the router serves http alone.
 *
 * @param names those of the visitors, the domain first
 */
export function readHttps(settings: SettingsReader, names: string[]): HttpsSettings | undefined {
    const isAcme = settings.oneOf("https", ["none", "acme"]) === "acme";
    const [domain = ""] = names;
    const certificate = readCertificate(settings, names);
    const port = settings.whole("httpsPort", 1, 65535, 443);
    const hstsSeconds = settings.whole("hstsSeconds", 0, 100_000_000, 31_536_000);
    const acme = readAcme(settings);
    if (!isHttps(settings)) return undefined;
    if (isAcme && certificate !== undefined) {
        const rule = "must be none where there is a tlsCertificate";
        settings.refuse(
            "https",
            rule,
            "acme",
            "pulumi config rm tlsCertificate, or pulumi config set https none",
        );
    }
    if (isAcme && (!NAME.test(domain) || net.isIP(domain) !== 0)) {
        const rule = "must be a public host name where https is acme, as the certificate is for it";
        settings.refuse("domain", rule, domain, set("domain", "www.example.com"));
    }
    const wildcard = names.find((name) => name.startsWith("*"));
    if (isAcme && wildcard !== undefined && acme.dns === undefined) {
        const rule = "must have no wildcard without acmeDns, as a CA gives such certificates by dns-01 alone";
        settings.refuse("domainAliases", rule, wildcard, set("acmeDns", "cloudflare"));
    }
    return { port, hstsSeconds, names, from: certificate ?? acme };
}

function readAcme(settings: SettingsReader): CertificateAuthority {
    const email = /^[^\s@]+@[^\s@]+$/;
    const root = settings.optional("acmeRoot");
    if (root !== undefined && !/^\s*-----BEGIN CERTIFICATE-----/.test(root)) {
        settings.refuseUnseen(
            "acmeRoot",
            "must be certificates as PEM",
            "pulumi config set acmeRoot < root.pem",
        );
    }
    return {
        image: settings.image("acmeImage"),
        server: settings.matching(
            "acmeServer",
            /^https:\/\/\S+$/,
            "must be an URL with https",
            "https://ca.example/directory",
        ),
        email: settings.optionalMatching("acmeEmail", email, "must be an address", "me@example.com"),
        dns: settings.optionalMatching(
            "acmeDns",
            /^[a-z0-9-]+$/,
            "must be lego's name of a provider",
            "cloudflare",
        ),
        env: pulumi.secret(settings.secrets("acmeEnv")),
        root,
    };
}

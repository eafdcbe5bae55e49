import type { ReactElement } from "react";
import { Link } from "wouter";

import { paths } from "../lib/paths";
import { PageTitle } from "../lib/ui/PageTitle";

export function NotFoundPage(): ReactElement {
  return (
    <>
      <PageTitle documentTitle="Not found">There is nothing at this address</PageTitle>
      <p>
        It may have a typing mistake. <Link href={paths.home}>Go to the status page</Link>
      </p>
    </>
  );
}

import type { ReactElement } from "react";
import { useLocation } from "wouter";

import type { Maintenance } from "../../../lib/api/types";
import { useSummary } from "../../../lib/queries";
import { useDesk } from "../context";
import { useWrite } from "../data";
import { Answer } from "../parts/Answer";
import { Head } from "../parts/Head";
import { consolePaths } from "../paths";
import { MaintenanceForm } from "./MaintenanceForm";

export function NewMaintenancePage(): ReactElement {
  const { announce } = useDesk();
  const [, navigate] = useLocation();
  const summary = useSummary();
  const schedule = useWrite<Maintenance>({
    onSuccess: ({ id, title }) => {
      announce(`Announced: ${title}.`);
      navigate(consolePaths.oneMaintenance(id));
    },
  });
  return (
    <>
      <Head title="Announce maintenance" documentTitle="Announce maintenance">
        Everybody sees it at once, and subscribers are told now, when it begins and when it ends.
      </Head>
      <Answer query={summary} what="the components">
        {({ components }) => (
          <MaintenanceForm
            label="Announce maintenance"
            submitLabel="Announce"
            components={components}
            error={schedule.error}
            busy={schedule.isPending}
            save={(draft) => {
              schedule.mutate({ method: "POST", path: "/maintenance/", body: draft });
            }}
          />
        )}
      </Answer>
    </>
  );
}

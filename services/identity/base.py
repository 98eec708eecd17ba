from services.kernel.database import service_base

Base = service_base("identity")
